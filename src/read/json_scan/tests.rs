//! The scanner against serde_json, and what broken lines say.

use super::*;
use proptest::prelude::*;
use serde_json::Value;

const PATHS: &[(&str, usize)] =
    &[("id", 0), ("meta", 1), ("meta.alias", 2), ("meta.usage.cached", 3), ("tags", 4), ("cost", 5)];

fn extract(line: &[u8]) -> Result<Vec<String>, Syntax> {
    let mut quotes = Quotes::default();
    quotes.index(line);
    let mut slots: [&[u8]; 6] = [b""; 6];
    Scan::new(line, &quotes, 0..line.len()).document(&Fields::new(PATHS), &mut slots)?;
    Ok(slots.iter().map(|raw| String::from_utf8_lossy(raw).into_owned()).collect())
}

#[test]
fn only_wanted_paths_come_out() {
    let line = br#" {"x": {"id": "no", "l": [1, {"a": "}"}]}, "id": "a\"b\\", "meta": {"alias": null, "usage": {"cached": 12}}, "tags": ["a", "b"], "cost": 5.6e-05} "#;
    assert_eq!(extract(line).unwrap(), [r#""a\"b\\""#, "", "null", "12", r#"["a", "b"]"#, "5.6e-05"]);
    assert_eq!(text(br#""a\"b\\\u00e9\ud83d\ude00\n""#), "a\"b\\é😀\n");
    assert_eq!(extract(br#"{"meta": "{\"alias\": 1}"}"#).unwrap()[1], r#""{\"alias\": 1}""#);
}

#[test]
fn malformed_lines_say_where() {
    for (line, at) in [
        (&b"[1]"[..], 0),
        (b"{\"id\": \"a", 7),
        (b"{\"id\": 1} x", 10),
        (b"{\"id\" 1}", 6),
        (b"{\"x\": {\"a\": [}}", 13),
        (b"{\"x\": {\"a\": \\\"b\"}}", 12),
        (b"\0\0\0", 0),
        (b"{\"id\": nul}", 7),
        (b"{\"id\": 1", 8),
    ] {
        let error = extract(line).unwrap_err();
        assert_eq!(error.at, at, "{} {error:?}", String::from_utf8_lossy(line));
    }
    assert_eq!(
        extract(&[b"{\"x\": ".to_vec(), vec![b'['; 200]].concat()).unwrap_err().what,
        "nested too deeply"
    );
}

#[test]
fn the_first_keys_of_every_envelope() {
    for head in [r#"{"a": 1, "b": {"#, r#" [{"a": 1, "b": 2"#, r#"{"data": [{"a": 1, "b": "#] {
        let keys = first_keys(head);
        assert!(keys.contains(&"a") && keys.contains(&"b"), "{head} {keys:?}");
    }
    assert!(first_keys("a,b\n1,2").is_empty());
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~\\n\\t\"\\\\é😀]{0,12}".prop_map(Value::from),
    ];
    let key = prop_oneof![
        Just("id"),
        Just("meta"),
        Just("alias"),
        Just("usage"),
        Just("cached"),
        Just("tags"),
        Just("q\"\\")
    ];
    leaf.prop_recursive(5, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(key.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn agrees_with_serde_json(id in json(), meta in json(), tags in json(), pretty in any::<bool>()) {
        let value = serde_json::json!({"other": [meta, id], "id": id, "meta": meta, "tags": tags});
        let line = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let slots = extract(line.as_bytes()).unwrap();
        let parsed = |slot: usize| (!slots[slot].is_empty()).then(|| serde_json::from_str::<Value>(&slots[slot]).unwrap());
        prop_assert_eq!(parsed(0), value.get("id").cloned());
        prop_assert_eq!(parsed(4), value.get("tags").cloned());
        prop_assert_eq!(parsed(2), value["meta"].get("alias").cloned());
        prop_assert_eq!(parsed(3), value["meta"].get("usage").and_then(|usage| usage.get("cached")).cloned());
        if let Some(text_value) = value["id"].as_str() {
            prop_assert_eq!(text(slots[0].as_bytes()), text_value);
        }
    }

    #[test]
    fn quotes_are_those_a_slow_reading_finds(bytes in prop::collection::vec(prop_oneof![Just(b'"'), Just(b'\\'), Just(b'a')], 0..300)) {
        let mut quotes = Quotes::default();
        quotes.index(&bytes);
        let mut escaped = false;
        let mut expected = Vec::new();
        for (index, byte) in bytes.iter().enumerate() {
            if *byte == b'"' && !escaped {
                expected.push(index);
            }
            escaped = *byte == b'\\' && !escaped;
        }
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(at) = quotes.next(from) {
            found.push(at);
            from = at + 1;
        }
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn never_panics_and_never_accepts_a_cut_line(value in json(), cut in 0usize..1000, flip in any::<(u16, u8)>()) {
        let mut line = serde_json::json!({"id": 7, "meta": value}).to_string().into_bytes();
        let keep = (line.len() - 1) * cut / 1000;
        prop_assert!(extract(&line[..keep]).is_err());
        let at = usize::from(flip.0) % line.len();
        line[at] = flip.1;
        let _ = extract(&line);
        first_keys(&String::from_utf8_lossy(&line));
        strings(&line, |_| ());
    }
}
