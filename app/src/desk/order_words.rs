//! What an order's status is called at the desk. Pure.

use shared::views::OrderStatus;

/// The statuses one can look for: the name in the address of the list, and the words.
pub const FILTERS: [(&str, &str); 7] = [
    ("", "All orders"),
    ("confirmed", "Confirmed"),
    ("held", "Held"),
    ("partly_held", "Held in part"),
    ("reserving", "Reserving"),
    ("expired", "Expired"),
    ("cancelled", "Cancelled"),
];

/// The words for a status.
#[must_use]
pub const fn words(status: OrderStatus) -> &'static str {
    match status {
        OrderStatus::Reserving => "Reserving",
        OrderStatus::Held => "Held",
        OrderStatus::PartlyHeld => "Held in part",
        OrderStatus::Confirmed => "Confirmed",
        OrderStatus::Expired => "Expired",
        OrderStatus::Cancelled => "Cancelled",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_can_look_for_every_status_by_its_words() {
        for status in [
            OrderStatus::Reserving,
            OrderStatus::Held,
            OrderStatus::PartlyHeld,
            OrderStatus::Confirmed,
            OrderStatus::Expired,
            OrderStatus::Cancelled,
        ] {
            let name = serde_json::to_string(&status).unwrap();
            assert!(
                FILTERS.iter().any(|(value, said)| {
                    format!("\"{value}\"") == name && *said == words(status)
                }),
                "{name}"
            );
        }
    }
}
