"""A provider on 127.0.0.1 that speaks OpenAI's and Anthropic's wire formats and answers what a scenario scripts.

The last user message names the scenario: {"role": "user", "content": "openai-cached"}.
It also takes what LiteLLM's `generic_api` callback posts, byte for byte, at /log.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Provider:
    def __init__(self, scenarios):
        self.answers = {name: list(scenario["answers"]) for name, scenario in scenarios.items()}
        self.served = {name: 0 for name in scenarios}
        self.logs = []
        self.lock = threading.Lock()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                if self.path == "/log":
                    with provider.lock:
                        provider.logs.append(body)
                    return self.send(200, "application/json", b"{}")
                request = json.loads(body)
                status, kind, answer = provider.answer(self.path, request)
                self.send(status, kind, answer)

            def send(self, status, kind, answer):
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path, request):
        name = scenario_name(request)
        with self.lock:
            number = self.served[name]
            self.served[name] += 1
            answers = self.answers[name]
            answer = answers[min(number, len(answers) - 1)]
        unique = f"{name}-{number}"
        if "error" in answer:
            return answer["error"], "application/json", json.dumps(error(path, answer["error"])).encode()
        if path.endswith("/messages"):
            return anthropic(request, answer, unique)
        if path.endswith("/responses"):
            return responses(request, answer, unique)
        if path.endswith("/embeddings"):
            return embeddings(request, answer)
        return chat(request, answer, unique)


def scenario_name(request):
    if isinstance(request.get("input"), list) and isinstance(request["input"][0], str):
        return request["input"][0]
    if isinstance(request.get("input"), str):
        return request["input"]
    message = (request.get("messages") or request["input"])[-1]
    content = message["content"]
    return content if isinstance(content, str) else content[-1]["text"]


def error(path, status):
    kind = {429: "rate_limit_error", 529: "overloaded_error"}.get(status, "server_error")
    body = {"error": {"message": "scripted", "type": kind, "code": None, "param": None}}
    return {"type": "error", **body} if path.endswith("/messages") else body


def events(lines, named):
    text = "".join(
        (f"event: {line['type']}\n" if named else "") + f"data: {json.dumps(line)}\n\n" for line in lines
    )
    return 200, "text/event-stream", (text + ("" if named else "data: [DONE]\n\n")).encode()


def chat(request, answer, unique):
    model = answer.get("model", request["model"])
    base = {"id": f"chatcmpl-{unique}", "created": 1792000000, "model": model, **answer.get("extra", {})}
    if not request.get("stream"):
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Done."}}
        body = {**base, "object": "chat.completion", "choices": [choice], "usage": answer["usage"]}
        return 200, "application/json", json.dumps(body).encode()
    base["object"] = "chat.completion.chunk"

    def piece(delta, finish=None):
        return {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    chunks = [piece({"role": "assistant", "content": "Do"}), piece({"content": "ne."}), piece({}, "stop")]
    if answer["usage"] and (request.get("stream_options") or {}).get("include_usage"):
        chunks.append({**base, "choices": [], "usage": answer["usage"]})
    return events(chunks, named=False)


def anthropic(request, answer, unique):
    message = {
        "id": f"msg_{unique}",
        "type": "message",
        "role": "assistant",
        "model": answer.get("model", request["model"]),
        "content": [{"type": "text", "text": "Done."}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": answer["usage"],
    }
    if not request.get("stream"):
        return 200, "application/json", json.dumps(message).encode()
    # A stream starts with the input counters and one output token; the last word on output comes in message_delta.
    first = {**message, "content": [], "stop_reason": None, "usage": {**answer["usage"], "output_tokens": 1}}
    last = {key: answer["usage"][key] for key in answer["usage"] if key.endswith("_tokens") or key == "server_tool_use"}
    return events(
        [
            {"type": "message_start", "message": first},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Done."}},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": last},
            {"type": "message_stop"},
        ],
        named=True,
    )


def responses(request, answer, unique):
    body = {
        "id": f"resp_{unique}",
        "object": "response",
        "created_at": 1792000000,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": answer.get("model", request["model"]),
        "output": [
            {
                "type": "message",
                "id": f"msg_{unique}",
                "status": "completed",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "Done.", "annotations": []}],
            }
        ],
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": answer["usage"],
        **answer.get("extra", {}),
    }
    if not request.get("stream"):
        return 200, "application/json", json.dumps(body).encode()
    return events(
        [
            {"type": "response.created", "sequence_number": 0, "response": {**body, "status": "in_progress", "usage": None}},
            {"type": "response.completed", "sequence_number": 1, "response": body},
        ],
        named=True,
    )


def embeddings(request, answer):
    data = [{"object": "embedding", "index": 0, "embedding": [0.5, -0.5]}]
    body = {"object": "list", "data": data, "model": request["model"], "usage": answer["usage"]}
    return 200, "application/json", json.dumps(body).encode()
