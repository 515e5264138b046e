//! What is on offer: the conference's facts, its seat types with quotas and prices, published or not;
//! and whose it is.
//! Stream: `conference`. Written by the owner's commands.
//!
//! Not here: how many seats are left (`seats_availability.rs`), what a form must contain
//! (`conference/facts.rs`), and which browser is the owner's (`http/owner_session.rs`).

pub mod facts;

use super::{Decider, Refusal};
use serde::{Deserialize, Serialize};
use shared::commands::SeatQuantity;
use shared::management::{ConferenceFacts, SeatTypeFacts};
use shared::{CommandId, Currency, Money, RefusalCode, SeatTypeId, Timestamp, rules};

/// The most seat types of one conference.
pub const SEAT_TYPES_MAX: usize = 50;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    CreateConference(Details),
    UpdateConference(ConferenceFacts),
    CreateSeatType(SeatType),
    UpdateSeatType {
        seat_type: SeatTypeId,
        facts: SeatTypeFacts,
    },
    DeleteSeatType {
        seat_type: SeatTypeId,
        taken: Taken,
    },
    /// What the house does: it may cut a quota below what was given.
    ChangeQuota {
        seat_type: SeatTypeId,
        quota: u32,
    },
    /// What an owner does, who saw a number: never below what is sold and held.
    ChangeQuotaFrom {
        seen: u32,
        seat_type: SeatTypeId,
        quota: u32,
        taken: Taken,
    },
    PublishConference,
    UnpublishConference,
    RotateOwnerCode(OwnerCode),
}

/// Seats of a type that are not free. The ledger fills them in, because only it knows them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    pub sold: u32,
    pub held: u32,
}

impl Command {
    /// The same command with what the ledger knows about the seats it is about.
    #[must_use]
    pub fn informed(mut self, now_taken: impl Fn(SeatTypeId) -> Taken) -> Self {
        match &mut self {
            Self::DeleteSeatType { seat_type, taken }
            | Self::ChangeQuotaFrom { seat_type, taken, .. } => *taken = now_taken(*seat_type),
            _ => {}
        }
        self
    }
}

/// These names are stored. Change them only together with `events.rs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event")]
pub enum Event {
    ConferenceCreated(Details),
    SeatTypeCreated(SeatType),
    QuotaChanged { seat_type: SeatTypeId, quota: u32 },
    ConferencePublished {},
    ConferenceUnpublished {},
    ConferenceUpdated { facts: ConferenceFacts },
    SeatTypeUpdated { seat_type: SeatTypeId, facts: SeatTypeFacts },
    SeatTypeDeleted { seat_type: SeatTypeId },
    OwnerCodeRotated { code: OwnerCode },
}

/// The facts of a conference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// Part of every address; 2 ..= 60 of a–z, 0–9 and inner hyphens. Never changes.
    pub slug: String,
    pub name: String,
    pub tagline: String,
    pub description: String,
    pub location: String,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    /// IANA name.
    pub time_zone: String,
    pub currency: Currency,
    pub contact_email: String,
    /// How long a hold is shown to last; 60 ..= 86,400.
    pub hold_seconds: u32,
    /// How much longer the server really holds; 0 ..= 3,600.
    pub grace_seconds: u32,
    /// Confirmed orders may be cancelled before this instant; `None`: they may not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_until: Option<Timestamp>,
    /// Names may be assigned to seats before this instant; `None`: until the conference ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assign_until: Option<Timestamp>,
    /// `None`: the house's own, as of releases that knew no owners. Boxed, so that all the other events
    /// stay small.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Box<Owner>>,
}

/// Whose a conference is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    pub name: String,
    /// Lower case.
    pub email: String,
    pub code: OwnerCode,
}

/// People are not for logs.
impl std::fmt::Debug for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Owner(…)")
    }
}

/// An access code of the owner. The code itself is never stored: whoever has the server's key can
/// derive it from `id`, and nobody else can.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerCode {
    /// The command that asked for it.
    pub id: CommandId,
    /// Argon2, salted by the owner's address.
    pub hash: String,
}

/// One kind of admission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatType {
    pub id: SeatTypeId,
    pub name: String,
    pub description: String,
    pub price: Money,
    pub quota: u32,
    /// 1 ..= 20.
    pub per_order_max: u32,
    pub sale_starts_at: Option<Timestamp>,
    pub sale_ends_at: Option<Timestamp>,
}

/// One line of an order with the price it has today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub seat_type: SeatTypeId,
    pub name: String,
    pub unit_price: Money,
    pub quantity: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conference {
    pub details: Option<Details>,
    pub seat_types: Vec<SeatType>,
    pub is_published: bool,
}

impl Decider for Conference {
    type Command = Command;
    type Event = Event;

    fn evolve(&mut self, event: &Event) {
        match event {
            Event::ConferenceCreated(details) => self.details = Some(details.clone()),
            Event::SeatTypeCreated(seat_type) => self.seat_types.push(seat_type.clone()),
            Event::QuotaChanged { seat_type, quota } => {
                let found = self.seat_types.iter_mut().find(|known| known.id == *seat_type);
                debug_assert!(found.is_some(), "a quota changes only for a seat type that exists");
                if let Some(known) = found {
                    known.quota = *quota;
                }
            }
            Event::ConferencePublished {} => self.is_published = true,
            Event::ConferenceUnpublished {} => self.is_published = false,
            Event::ConferenceUpdated { facts } => {
                self.details = self.details.as_ref().map(|details| details.with(facts));
            }
            Event::SeatTypeUpdated { seat_type, facts } => {
                let found = self.seat_types.iter_mut().find(|known| known.id == *seat_type);
                debug_assert!(found.is_some(), "only a seat type that exists is updated");
                if let Some(known) = found {
                    *known = known.with(facts);
                }
            }
            Event::SeatTypeDeleted { seat_type } => {
                self.seat_types.retain(|known| known.id != *seat_type);
            }
            Event::OwnerCodeRotated { code } => {
                if let Some(owner) = self.details.as_mut().and_then(|known| known.owner.as_mut()) {
                    owner.code = code.clone();
                }
            }
        }
    }

    fn decide(&self, command: Command, _now: Timestamp) -> Result<Vec<Event>, Refusal> {
        match (&self.details, command) {
            (None, Command::CreateConference(details)) => {
                details.check()?;
                Ok(vec![Event::ConferenceCreated(details)])
            }
            (None, _) => Err(RefusalCode::ConferenceNotFound.into()),
            (Some(known), Command::CreateConference(details)) if *known == details => Ok(vec![]),
            (Some(_), Command::CreateConference(_)) => Err(facts::slug_taken()),
            (Some(details), Command::UpdateConference(facts)) => update(details, &facts),
            (Some(details), Command::RotateOwnerCode(code)) => rotate(details, code),
            (Some(details), Command::CreateSeatType(seat_type)) => {
                self.create_seat_type(details, seat_type)
            }
            (Some(details), Command::UpdateSeatType { seat_type, facts }) => {
                self.update_seat_type(details, seat_type, &facts)
            }
            (Some(_), Command::DeleteSeatType { seat_type, taken }) => {
                self.delete_seat_type(seat_type, taken)
            }
            (Some(_), Command::ChangeQuota { seat_type, quota }) => {
                self.change_quota(seat_type, quota)
            }
            (Some(_), Command::ChangeQuotaFrom { seen, seat_type, quota, taken }) => {
                self.change_quota_from(seen, seat_type, quota, taken)
            }
            (Some(_), Command::PublishConference) => self.publish(),
            (Some(_), Command::UnpublishConference) => {
                Ok(if self.is_published { vec![Event::ConferenceUnpublished {}] } else { vec![] })
            }
        }
    }
}

impl Conference {
    /// The seat type with this id.
    #[must_use]
    pub fn seat_type(&self, id: SeatTypeId) -> Option<&SeatType> {
        self.seat_types.iter().find(|seat_type| seat_type.id == id)
    }

    /// Puts today's names and prices on the seats somebody asks for. Seats of a type that the order
    /// already has (`had`) stay obtainable after the sale of that type ended.
    ///
    /// # Errors
    /// A seat type is unknown, over its limit or not on sale.
    pub fn offer(
        &self,
        seats: &[SeatQuantity],
        had: &[SeatQuantity],
        now: Timestamp,
    ) -> Result<Vec<Offer>, Refusal> {
        rules::check_seats(seats)?;
        seats.iter().map(|line| self.offer_line(*line, had, now)).collect()
    }

    fn offer_line(
        &self,
        line: SeatQuantity,
        had: &[SeatQuantity],
        now: Timestamp,
    ) -> Result<Offer, Refusal> {
        let SeatQuantity { seat_type: id, quantity } = line;
        let seat_type = self.seat_type(id).ok_or(RefusalCode::SeatTypeUnknown)?;
        if quantity > seat_type.per_order_max {
            let most = seat_type.per_order_max;
            let detail = format!("{most} is the most per order of {}.", seat_type.name);
            return Err(Refusal::because(RefusalCode::OverOrderLimit, detail));
        }
        let keeps = had.iter().any(|line| line.seat_type == id && quantity <= line.quantity);
        if !keeps && !rules::is_on_sale(seat_type.sale_starts_at, seat_type.sale_ends_at, now) {
            let detail = format!("{} is not on sale now.", seat_type.name);
            return Err(Refusal::because(RefusalCode::NotOnSale, detail));
        }
        Ok(Offer {
            seat_type: id,
            name: seat_type.name.clone(),
            unit_price: seat_type.price,
            quantity,
        })
    }

    fn publish(&self) -> Result<Vec<Event>, Refusal> {
        if self.is_published {
            Ok(vec![])
        } else if self.seat_types.is_empty() {
            Err(RefusalCode::NothingToPublish.into())
        } else {
            Ok(vec![Event::ConferencePublished {}])
        }
    }

    fn create_seat_type(
        &self,
        details: &Details,
        seat_type: SeatType,
    ) -> Result<Vec<Event>, Refusal> {
        match self.seat_type(seat_type.id) {
            Some(known) if *known == seat_type => return Ok(vec![]),
            Some(_) => return Err(RefusalCode::SeatTypeExists.into()),
            None => {}
        }
        seat_type.check(details)?;
        if self.seat_types.len() >= SEAT_TYPES_MAX {
            let detail = format!("A conference has at most {SEAT_TYPES_MAX} seat types.");
            return Err(Refusal::because(RefusalCode::DetailsInvalid, detail));
        }
        Ok(vec![Event::SeatTypeCreated(seat_type)])
    }

    /// Orders that are placed keep their prices: they have them in their own events.
    fn update_seat_type(
        &self,
        details: &Details,
        id: SeatTypeId,
        facts: &SeatTypeFacts,
    ) -> Result<Vec<Event>, Refusal> {
        let known = self.seat_type(id).ok_or(RefusalCode::SeatTypeUnknown)?;
        let wanted = known.with(facts);
        wanted.check(details)?;
        if wanted == *known {
            return Ok(vec![]);
        }
        Ok(vec![Event::SeatTypeUpdated { seat_type: id, facts: wanted.facts() }])
    }

    /// Whoever asks to delete what is not there has what they want.
    fn delete_seat_type(&self, id: SeatTypeId, taken: Taken) -> Result<Vec<Event>, Refusal> {
        if self.seat_type(id).is_none() {
            return Ok(vec![]);
        }
        if taken != Taken::default() {
            let Taken { sold, held } = taken;
            let detail = format!("{sold} sold and {held} held.");
            return Err(Refusal::because(RefusalCode::SeatTypeInUse, detail));
        }
        Ok(vec![Event::SeatTypeDeleted { seat_type: id }])
    }

    fn change_quota(&self, id: SeatTypeId, quota: u32) -> Result<Vec<Event>, Refusal> {
        let known = self.seat_type(id).ok_or(RefusalCode::SeatTypeUnknown)?;
        facts::check_quota(quota)?;
        if known.quota == quota {
            return Ok(vec![]);
        }
        Ok(vec![Event::QuotaChanged { seat_type: id, quota }])
    }

    fn change_quota_from(
        &self,
        seen: u32,
        id: SeatTypeId,
        quota: u32,
        Taken { sold, held }: Taken,
    ) -> Result<Vec<Event>, Refusal> {
        let changed = self.change_quota(id, quota)?;
        let now = self.seat_type(id).map_or(quota, |known| known.quota);
        if changed.is_empty() {
            return Ok(changed);
        }
        if now != seen {
            let detail = format!("It is {now} now. You wrote {quota}.");
            return Err(Refusal::because(RefusalCode::QuotaChanged, detail));
        }
        let lowest = sold.saturating_add(held);
        if quota < lowest {
            let detail = format!("{sold} sold and {held} held. The lowest possible is {lowest}.");
            return Err(Refusal::because(RefusalCode::QuotaTooLow, detail));
        }
        Ok(changed)
    }
}

/// Neither the slug nor the currency nor the publication is among the facts (W2).
fn update(details: &Details, facts: &ConferenceFacts) -> Result<Vec<Event>, Refusal> {
    let wanted = details.with(facts);
    wanted.check()?;
    if wanted == *details {
        return Ok(vec![]);
    }
    Ok(vec![Event::ConferenceUpdated { facts: wanted.facts() }])
}

fn rotate(details: &Details, code: OwnerCode) -> Result<Vec<Event>, Refusal> {
    let owner = details.owner.as_ref().ok_or(RefusalCode::ConferenceNotFound)?;
    Ok(if owner.code.id == code.id { vec![] } else { vec![Event::OwnerCodeRotated { code }] })
}

#[cfg(test)]
#[path = "conference/tests.rs"]
pub(crate) mod tests;
