//! Which letter an effect asks for, as things are when it is sent: what is no longer so is not said.
//!
//! Not here: what letters say (`mailer/letters.rs`).

use super::{Effects, Trouble};
use crate::domain::registration_process::Effect;
use crate::mailer::letters::{self, About};
use crate::mailer::{Letter, Stamp};
use crate::order_links;
use crate::store::LeasedEffect;
use crate::store::people::NewLink;
use shared::views::OrderStatus;
use shared::{ConferenceId, OrderId, Timestamp};

/// Links in one mail: the newest orders of an address.
const LINKS_PER_MAIL_MAX: u32 = 20;

impl Effects {
    /// Sends the letter that an effect asks for, if there still is something to say.
    pub(super) async fn mail(
        &self,
        leased: &LeasedEffect,
        about: About<'_>,
        effect: Effect,
    ) -> Result<(), Trouble> {
        let Some(letter) = self.letter(leased, about, effect).await? else { return Ok(()) };
        let stamp = Stamp { effect_id: leased.id, now: about.now };
        Ok(self.mailer.send(&letter, stamp).await?)
    }

    async fn letter(
        &self,
        leased: &LeasedEffect,
        about: About<'_>,
        effect: Effect,
    ) -> Result<Option<Letter>, Trouble> {
        let ledger = ConferenceId(leased.ledger);
        let letter = match effect {
            Effect::QueryPayment { .. }
            | Effect::CancelPayment { .. }
            | Effect::RefundPayment { .. } => return Ok(None),
            Effect::MailConfirmation { order_id } => {
                let order = self.order(ledger, order_id).await?;
                // Given back while the mail waited: it would say what is no longer so.
                if order.status != OrderStatus::Confirmed {
                    return Ok(None);
                }
                letters::confirmation(about, &order)?
            }
            Effect::MailRefund { order_id, amount } => {
                letters::refund(about, &self.order(ledger, order_id).await?, amount)?
            }
            Effect::MailCancellation { order_id, refund } => {
                letters::cancellation(about, &self.order(ledger, order_id).await?, refund)?
            }
            Effect::MailTicket { order_id, position, attendee } => {
                let order = self.order(ledger, order_id).await?;
                let seat = order.seats.get(position as usize);
                let seat = seat.filter(|seat| seat.attendee.as_ref() == Some(&attendee));
                let Some(seat) = seat else { return Ok(None) };
                letters::ticket(about, &order, seat)?
            }
            Effect::MailTicketVoid { order_id, seat_type, attendee } => {
                let order = self.order(ledger, order_id).await?;
                let line = order.lines.iter().find(|line| line.seat_type == seat_type);
                letters::ticket_void(about, &attendee, line.map_or("", |line| &line.name))
            }
            Effect::MailOrderLinks { email, expires_at } => {
                return self.order_links(leased, about, &email, expires_at).await;
            }
            Effect::MailOwnerCode { name, email, code } => {
                letters::owner_code(about, &name, &email, self.owner_codes.code(ledger, code))
            }
        };
        Ok(Some(letter))
    }

    /// Links to the orders of an address, each good once; no letter when there are none.
    async fn order_links(
        &self,
        leased: &LeasedEffect,
        about: About<'_>,
        email: &str,
        expires_at: Timestamp,
    ) -> Result<Option<Letter>, Trouble> {
        let (mut links, mut addresses) = (Vec::new(), Vec::new());
        let processes =
            self.store.processes_by_email(leased.ledger, email, LINKS_PER_MAIL_MAX).await?;
        for process in processes {
            let order = self.order(ConferenceId(leased.ledger), OrderId(process)).await?;
            let was_confirmed = order.confirmed_at.is_some();
            if !was_confirmed
                && matches!(order.status, OrderStatus::Expired | OrderStatus::Cancelled)
            {
                continue;
            }
            let secret = self.order_links.secret(leased.id, order.id);
            let hash = order_links::hash(&secret);
            links.push(NewLink { hash, process, expires_at: expires_at.0 });
            addresses.push(format!("{}/{}/find#link={secret}", about.public_url, order.conference));
        }
        if links.is_empty() {
            return Ok(None);
        }
        self.store.add_links(leased.ledger, &links, about.now.0).await?;
        Ok(Some(letters::order_links(about, email, &addresses)))
    }
}
