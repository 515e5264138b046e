//! The moving parts of a view with their types erased: one piece of machine code for each kind of
//! moving part instead of one for each place. Halves what the browser has to fetch.
//!
//! Not here: anything that knows what is shown.

use crate::fact::{Comparable, Fact};
use leptos::ev::MouseEvent;
use leptos::prelude::*;
use std::hash::Hash;

/// A text, or an attribute's value, that follows its signals.
pub fn text<T: Into<String>>(read: impl Fn() -> T + Send + Sync + 'static) -> Signal<String> {
    follow(move || read().into())
}

/// A yes or no that follows its signals, for classes and properties.
pub fn flag(read: impl Fn() -> bool + Send + Sync + 'static) -> Signal<bool> {
    follow(read)
}

/// An attribute that is `true` or absent.
pub fn mark(read: impl Fn() -> bool + Send + Sync + 'static) -> Signal<Option<&'static str>> {
    follow(move || read().then_some("true"))
}

/// A value that follows its signals, computed whenever it is asked for.
pub fn follow<T: Send + Sync + 'static>(read: impl Fn() -> T + Send + Sync + 'static) -> Signal<T> {
    boxed_follow(Box::new(read))
}

fn boxed_follow<T: Send + Sync + 'static>(read: Box<dyn Fn() -> T + Send + Sync>) -> Signal<T> {
    Signal::derive(read)
}

/// A value that follows its signals, computed once per change; others hear only of real changes.
pub fn memo<T: Comparable>(read: impl Fn() -> T + Send + Sync + 'static) -> Fact<T> {
    Fact::new(Box::new(read))
}

/// What `read` finds, and what it found last when it finds nothing any more; `first` before that.
pub fn lasting<T: Comparable>(
    first: T,
    read: impl Fn() -> Option<T> + Send + Sync + 'static,
) -> Fact<T> {
    Fact::lasting(first, Box::new(read))
}

/// What happens on a press.
pub fn press(mut act: impl FnMut() + 'static) -> Box<dyn FnMut(MouseEvent)> {
    Box::new(move |_| act())
}

/// A part that is built anew whenever one of its signals changes.
pub fn block<V: IntoView + 'static>(make: impl Fn() -> V + Send + 'static) -> AnyView {
    boxed_block(Box::new(move || make().into_any()))
}

fn boxed_block(make: Box<dyn Fn() -> AnyView + Send>) -> AnyView {
    (move || make()).into_any()
}

/// A part that is there only while `when` is true.
pub fn show(
    when: impl Fn() -> bool + Send + Sync + 'static,
    make: impl Fn() -> AnyView + Send + 'static,
) -> AnyView {
    either(when, make, || ().into_any())
}

/// One of two parts. Built anew only when the answer changes, not whenever it is asked for.
pub fn either(
    when: impl Fn() -> bool + Send + Sync + 'static,
    make: impl Fn() -> AnyView + Send + 'static,
    otherwise: impl Fn() -> AnyView + Send + 'static,
) -> AnyView {
    boxed_either(Box::new(when), Box::new(make), Box::new(otherwise))
}

fn boxed_either(
    when: Box<dyn Fn() -> bool + Send + Sync>,
    make: Box<dyn Fn() -> AnyView + Send>,
    otherwise: Box<dyn Fn() -> AnyView + Send>,
) -> AnyView {
    let when = Fact::new(when);
    (move || if when.get() { make() } else { otherwise() }).into_any()
}

/// Parts made from a list.
pub fn each<T>(items: impl IntoIterator<Item = T>, make: impl Fn(T) -> AnyView) -> AnyView {
    items.into_iter().map(make).collect::<Vec<AnyView>>().into_any()
}

/// Parts made from the ids of a list, by id: what stays in the list stays on the page.
pub fn keyed<Id: Copy + Eq + Hash + Send + Sync + 'static>(
    ids: Fact<Vec<Id>>,
    make: impl Fn(Id) -> AnyView + Send + Sync + 'static,
) -> AnyView {
    boxed_keyed(ids, Box::new(make))
}

fn boxed_keyed<Id: Copy + Eq + Hash + Send + Sync + 'static>(
    ids: Fact<Vec<Id>>,
    make: Box<dyn Fn(Id) -> AnyView + Send + Sync>,
) -> AnyView {
    let make = StoredValue::new(make);
    let child = move |id| make.with_value(|make| make(id));
    view! { <For each=move || ids.get() key=|id| *id children=child /> }.into_any()
}

/// Does something now and whenever one of its signals changes.
pub fn react(act: impl FnMut() + 'static) {
    boxed_react(Box::new(act));
}

fn boxed_react(mut act: Box<dyn FnMut()>) {
    Effect::new(move |_| act());
}
