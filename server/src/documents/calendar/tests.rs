//! Calendar entries as a program reads them that forgives nothing.

use super::*;
use crate::documents::kit::cases;
use crate::domain::kit::NOON;
use crate::mailer::tests::conference;
use calcard::icalendar::{ICalendar, ICalendarComponent, ICalendarProperty, ICalendarValue};
use calcard::{Entry as Parsed, Parser};
use proptest::prelude::*;

const URL: &str = "https://tickets.example.org/rustconf";

fn entry(conference: &ConferenceView) -> Entry<'_> {
    Entry { conference, id: Uuid::from_u128(3), revision: 7, url: URL, now: NOON }
}

/// Reads a file and forgives nothing: what the library lets pass, `check` does not.
fn read(file: &str) -> ICalendar {
    check(file);
    let mut parser = Parser::new(file);
    let Parsed::ICalendar(calendar) = parser.entry() else { panic!("not a calendar: {file}") };
    assert!(matches!(parser.entry(), Parsed::Eof), "nothing follows");
    calendar
}

/// The grammar of RFC 5545: ends and lengths of lines, names, parameters, escapes, nesting, and what
/// every component must have once.
fn check(file: &str) {
    let mut open: Vec<(&str, Vec<&str>)> = Vec::new();
    assert!(file.ends_with("\r\n") && !file.replace("\r\n", "").contains(char::is_control));
    assert!(file.split("\r\n").all(|line| line.len() <= LINE_MAX), "{file}");
    let unfolded = file.replace("\r\n ", "");
    for line in unfolded.trim_end_matches("\r\n").split("\r\n") {
        let (left, value) = line.split_once(':').expect(line);
        let (name, parameters) = left.split_once(';').unwrap_or((left, ""));
        assert!(name.bytes().all(|b| b.is_ascii_uppercase() || b == b'-'), "{line}");
        assert!(!name.is_empty() && !parameters.contains([',', '"', ';']), "{line}");
        match name {
            "BEGIN" => open.push((value, vec![])),
            "END" => {
                let (kind, names) = open.pop().expect(line);
                assert_eq!(kind, value, "{file}");
                let once: &[&str] = match kind {
                    "VCALENDAR" => &["VERSION", "PRODID", "METHOD"],
                    "VEVENT" => &["UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "SEQUENCE"],
                    "VTIMEZONE" => &["TZID"],
                    _ => &["DTSTART", "TZOFFSETFROM", "TZOFFSETTO"],
                };
                for wanted in once {
                    let count = names.iter().filter(|name| *name == wanted).count();
                    assert_eq!(count, 1, "{wanted} in {kind}: {file}");
                }
            }
            "SUMMARY" | "DESCRIPTION" | "LOCATION" | "TZNAME" => {
                let bare = value.replace("\\\\", "").replace("\\;", "").replace("\\,", "");
                assert!(!bare.replace("\\n", "").contains(['\\', ';', ',']), "{line}");
            }
            _ => {}
        }
        if let Some((_, names)) = open.last_mut() {
            names.push(name);
        }
    }
    assert!(open.is_empty(), "{file}");
}

/// The components of a kind.
fn components<'a>(calendar: &'a ICalendar, kind: &str) -> Vec<&'a ICalendarComponent> {
    let is_it = |it: &&ICalendarComponent| it.component_type.as_str() == kind;
    calendar.components.iter().filter(is_it).collect()
}

fn text<'a>(component: &'a ICalendarComponent, name: &ICalendarProperty) -> &'a str {
    let entry = component.entries.iter().find(|entry| entry.name == *name).unwrap();
    match entry.values.as_slice() {
        [] => "",
        [ICalendarValue::Text(text)] => text,
        other => panic!("one text: {other:?}"),
    }
}

#[test]
fn a_program_reads_when_where_and_what() {
    let conference = ConferenceView { tagline: "Two days".into(), ..conference() };
    let file = file(&entry(&conference));
    let calendar = read(&file);
    let [event] = components(&calendar, "VEVENT")[..] else { panic!("one event: {file}") };
    assert_eq!(text(event, &ICalendarProperty::Summary), "Rust & Friends");
    assert_eq!(text(event, &ICalendarProperty::Location), "Zürich");
    assert_eq!(text(event, &ICalendarProperty::Description), "Two days");
    let id = "00000000-0000-0000-0000-000000000003@tickets.example.org";
    assert_eq!(text(event, &ICalendarProperty::Uid), id);
    for line in [
        "METHOD:PUBLISH",
        "SEQUENCE:7",
        "DTSTAMP:20270115T120000Z",
        "DTSTART;TZID=Europe/Zurich:20270115T130000",
        "DTEND;TZID=Europe/Zurich:20270115T130000",
        "URL:https://tickets.example.org/rustconf",
    ] {
        assert!(file.contains(&format!("{line}\r\n")), "{line} in {file}");
    }
}

#[test]
fn a_zone_comes_with_its_clock_even_when_it_changes_in_between() {
    // The clocks in Europe went forward on 28 March 2027 at 01:00 UTC.
    let conference = ConferenceView {
        starts_at: Timestamp(1_806_134_400_000),
        ends_at: Timestamp(1_806_246_000_000),
        ..conference()
    };
    let file = file(&entry(&conference));
    let calendar = read(&file);
    assert_eq!(components(&calendar, "VTIMEZONE").len(), 1);
    assert_eq!(components(&calendar, "STANDARD").len(), 1);
    assert_eq!(components(&calendar, "DAYLIGHT").len(), 1);
    let winter = "BEGIN:STANDARD\r\nDTSTART:20261025T030000\r\nTZOFFSETFROM:+0200\r\n\
                  TZOFFSETTO:+0100\r\nTZNAME:CET\r\nEND:STANDARD\r\n";
    let summer = "BEGIN:DAYLIGHT\r\nDTSTART:20270328T020000\r\nTZOFFSETFROM:+0100\r\n\
                  TZOFFSETTO:+0200\r\nTZNAME:CEST\r\nEND:DAYLIGHT\r\n";
    assert!(file.contains(&format!("TZID:Europe/Zurich\r\n{winter}{summer}")), "{file}");
}

#[test]
fn utc_needs_no_rules_and_neither_does_an_unknown_zone() {
    for zone in ["UTC", "Nowhere/At_all"] {
        let file = file(&entry(&ConferenceView { time_zone: zone.into(), ..conference() }));
        assert_eq!(components(&read(&file), "VTIMEZONE").len(), 0);
        assert!(file.contains("DTSTART:20270115T120000Z\r\n"), "{file}");
    }
}

#[test]
fn a_zone_with_odd_minutes_keeps_them() {
    let file = file(&entry(&ConferenceView { time_zone: "Asia/Kathmandu".into(), ..conference() }));
    read(&file);
    assert!(file.contains("TZOFFSETTO:+0545\r\n") && file.contains("20270115T174500"), "{file}");
}

proptest! {
    #![proptest_config(cases(128))]

    /// Whatever an owner types comes back, and becomes no line of its own.
    #[test]
    fn odd_texts_come_back(
        name in "[ -~äöü€😀日本\n;,\\\\:\"]{1,200}",
        location in "(\r\nBEGIN:VEVENT|[ -~é]|\t|\n){0,60}",
    ) {
        let odd = ConferenceView { name: name.clone(), location: location.clone(), ..conference() };
        let calendar = read(&file(&entry(&odd)));
        let events = components(&calendar, "VEVENT");
        prop_assert_eq!(events.len(), 1);
        prop_assert_eq!(text(events[0], &ICalendarProperty::Summary), name);
        let location = location.replace("\r\n", "\n").replace('\t', " ");
        prop_assert_eq!(text(events[0], &ICalendarProperty::Location), location);
    }

    /// The same for every letter there is, with controls that a calendar cannot hold as blanks.
    #[test]
    fn any_text_comes_back(name in prop::collection::vec(any::<char>(), 1..80)) {
        let name: String = name.into_iter().collect();
        let odd = ConferenceView { name: name.clone(), ..conference() };
        let calendar = read(&file(&entry(&odd)));
        let events = components(&calendar, "VEVENT");
        let name = name.replace("\r\n", "\n").replace('\r', "\n");
        let shown = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
        let name: String = name.chars().map(shown).collect();
        prop_assert_eq!(text(events[0], &ICalendarProperty::Summary), name);
    }
}
