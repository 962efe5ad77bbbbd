//! How long does pricing take, request by request?
//!
//! ```text
//! cargo run --release --example price_requests -- requests.csv
//! ```
//!
//! `benches/prices.py` writes the file (`model,seller,at,tier,input,cache_read,output`) and runs this beside LiteLLM's
//! calculator. Reading the file is not timed; understanding each name, finding each
//! price and multiplying is.

#![expect(clippy::print_stdout, reason = "an example prints its result")]
#![expect(clippy::unwrap_used, reason = "an example stops where its file cannot be read")]

use std::time::Instant;

use llmfin::money::{Money, Ratio};
use llmfin::period::read_instant;
use llmfin::pricebook::{Ask, Pricebook, Pricer};
use llmfin::vocabulary::{Meter, Seller, Tier};

const METERS: [Meter; 3] = [Meter::Input, Meter::CacheRead, Meter::Output];

fn main() {
    let started = Instant::now();
    let book = Pricebook::shipped().unwrap();
    println!("load_ms {}", started.elapsed().as_millis());
    let path = std::env::args().nth(1).unwrap();
    let mut reader = csv::Reader::from_path(path).unwrap();
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let requests: Vec<(Ask, Vec<(Meter, Ratio)>)> = records.iter().map(request).collect();
    let started = Instant::now();
    let mut pricer = Pricer::new(&book);
    let (mut total, mut unpriced) = (Money::ZERO, 0);
    for (ask, quantities) in &requests {
        let place = pricer.place(ask);
        for (meter, quantity) in quantities {
            match pricer.point(place, ask, *meter).amount(*quantity) {
                Ok((amount, _)) => total += amount,
                Err(_) => unpriced += 1,
            }
        }
    }
    println!("price_ns {}", started.elapsed().as_nanos());
    println!("requests {}\nunpriced {unpriced}\ntotal {}", requests.len(), total.plain());
}

fn request(record: &csv::StringRecord) -> (Ask<'_>, Vec<(Meter, Ratio)>) {
    let counts = METERS.iter().zip(record.iter().skip(4));
    let counts = counts.map(|(meter, count)| (*meter, Ratio::new(count.parse().unwrap(), 1).unwrap()));
    let quantities: Vec<(Meter, Ratio)> = counts.filter(|(_, count)| !count.is_zero()).collect();
    let prompt = quantities.iter().filter(|(meter, _)| meter.is_prompt()).map(|(_, count)| count.numerator());
    let ask = Ask {
        seller: Seller::find(&record[1]).unwrap().id,
        name: &record[0],
        at: read_instant(&record[2]).unwrap().0,
        whole_day: false,
        tier: Tier::parse(&record[3]),
        region: None,
        prompt: u64::try_from(prompt.sum::<i128>()).unwrap(),
    };
    (ask, quantities)
}
