//! Texts and values that people, programs and attackers have broken servers with.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Number, Value, json};

/// Text that means something to some parser on the way.
const ODD: [&str; 26] = [
    "",
    " ",
    "\0",
    "a\0b",
    "\r\nX-Injected: 1\r\n",
    "\u{202e}gnp.exe",
    "\u{2066}\u{200b}\u{feff}",
    "👩\u{200d}🚀🏳\u{fe0f}\u{200d}🌈",
    "𝒜𝒹𝒶 𐍈",
    "A\u{300}\u{301}\u{302}",
    "=HYPERLINK(\"x\")",
    "'; DROP TABLE events; --",
    "<script>alert(1)</script>",
    "../../../etc/passwd",
    "%00%0d%0a",
    "${jndi:ldap://x}",
    "null",
    "NaN",
    "-0",
    "1e999",
    "18446744073709551616",
    "0190a5e4-0000-7000-8000-00000000000",
    "ada@example.org, eve@example.org",
    "\"a b\"@example.org",
    "ada@[127.0.0.1]",
    "xn--a@xn--b.example",
];

pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(ODD.to_vec()).prop_map(str::to_owned),
        2 => ".{0,40}",
        2 => vec(any::<char>(), 0..20).prop_map(|chars| chars.into_iter().collect()),
        1 => (prop::sample::select(vec!["a", "€", "😀", "\n", "\""]), 0_usize..30_000)
            .prop_map(|(letter, times)| letter.repeat(times)),
        1 => any::<u128>().prop_map(|id| uuid::Uuid::from_u128(id).to_string()),
    ]
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i64>().prop_map(Number::from),
        any::<u64>().prop_map(Number::from),
        (-3_i64..30).prop_map(Number::from),
        prop::sample::select(vec![i64::MIN, i64::MAX, 1 << 31, 1 << 32, 1 << 53, -1])
            .prop_map(Number::from),
        any::<f64>().prop_map(|f| Number::from_f64(f).unwrap_or_else(|| Number::from(0))),
    ]
}

pub(crate) fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        3 => number().prop_map(Value::Number),
        4 => text().prop_map(Value::from),
        1 => Just(json!([])),
        1 => Just(json!({})),
    ];
    leaf.prop_recursive(4, 32, 8, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(Value::from),
            vec((text(), inner), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Bytes of a header's value: no line breaks, because they would be another header.
pub(crate) fn header() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        text().prop_map(String::into_bytes),
        vec(any::<u8>(), 0..60),
        (0_usize..6_000).prop_map(|length| vec![b'x'; length]),
    ]
    .prop_map(|bytes| {
        bytes.into_iter().filter(|b| !matches!(b, b'\r' | b'\n' | 0)).take(6_000).collect()
    })
}

/// Bytes of one part of an address: anything but what ends the address.
pub(crate) fn segment() -> impl Strategy<Value = Vec<u8>> {
    let encoded = vec(any::<u8>(), 0..20)
        .prop_map(|bytes| bytes.iter().map(|b| format!("%{b:02x}")).collect::<String>());
    let half =
        prop::sample::select(vec!["%", "%2", "%zz", "%u0000", "+", "..", ".", "%2e%2e", "~"]);
    prop_oneof![
        2 => text().prop_map(|text| text.chars().take(200).collect::<String>().into_bytes()),
        2 => encoded.prop_map(String::into_bytes),
        1 => half.prop_map(|text| text.as_bytes().to_vec()),
        1 => (0_usize..9_000).prop_map(|length| vec![b'a'; length]),
    ]
    .prop_map(|bytes| bytes.into_iter().filter(|b| !matches!(b, 0..=0x20 | 0x7f | b'#')).collect())
}
