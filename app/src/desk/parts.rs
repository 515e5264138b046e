//! Parts that several pages of the desk are made of.

pub mod ask_once;
pub mod checklist;
pub mod conference_fields;
pub mod copy_link;
pub mod give_back;
pub mod happenings_list;
pub mod keep_order;
pub mod number_tiles;
pub mod paste_list;
pub mod public_link;
pub mod publication;
pub mod quota_box;
pub mod resend_mail;
pub mod sales_chart;
pub mod searched_list;
pub mod seat_card;
pub mod seat_type_card;
pub mod seat_type_form;
pub mod seats_chart;
pub mod short_orders;
pub mod wrong_address;
