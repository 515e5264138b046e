//! Who really asks when a proxy stands in front: what it says of its client is believed, because the
//! operator named it; what anybody else says of himself is not.
//!
//! Not here: which proxies there are (`config.rs`), and what is counted per client (`limits.rs`).

use super::session::Client;
use axum::http::{HeaderMap, HeaderName, header};
use std::net::IpAddr;
use std::str::FromStr;

/// Addresses in such a header that are looked at; a longer chain of proxies is none.
const HOPS_MAX: usize = 16;

/// Where the proxies are that we believe, and what they say it in.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    pub networks: Networks,
    pub says: ForwardedHeader,
}

/// The header in which a proxy names its client. One only: a client can send the other itself, and
/// the proxy would pass it on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedHeader {
    #[default]
    XForwardedFor,
    Forwarded,
}

/// Addresses and networks, such as `127.0.0.1, 10.0.0.0/8, fd00::/8`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<Network>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    /// Leading bits that count.
    bits: u32,
}

/// The text does not name networks.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is neither an address nor a network such as 10.0.0.0/8")]
pub struct NotANetwork(String);

/// The text names no header that we know.
#[derive(Debug, thiserror::Error)]
#[error("it is x-forwarded-for or forwarded")]
pub struct NotAHeader;

impl Proxies {
    /// Whether this peer speaks for others.
    pub(super) fn trusts(&self, peer: IpAddr) -> bool {
        self.networks.contain(peer)
    }

    /// Who sent a request that came from this peer. From the last hop backwards, the first that is no
    /// proxy of ours; where a proxy of ours says something unreadable, it is that proxy.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Client {
        let mut client = peer;
        if self.trusts(peer) {
            for hop in self.hops(headers) {
                let Some(address) = hop else { break };
                client = address;
                if !self.trusts(address) {
                    break;
                }
            }
        }
        Client::at(client)
    }

    /// The last hop first.
    fn hops(&self, headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
        let (name, read): (_, fn(&str) -> Option<IpAddr>) = match self.says {
            ForwardedHeader::XForwardedFor => {
                (HeaderName::from_static("x-forwarded-for"), address_in)
            }
            ForwardedHeader::Forwarded => (header::FORWARDED, forwarded_for),
        };
        let lines: Vec<&str> =
            headers.get_all(name).iter().map(|line| line.to_str().unwrap_or("?")).collect();
        lines.into_iter().rev().flat_map(|line| line.rsplit(',')).take(HOPS_MAX).map(read)
    }
}

/// One element of `Forwarded` (RFC 7239): `for="[2001:db8::1]:4711";proto=https`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, node) = pairs.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
    address_in(node.trim_matches('"'))
}

/// An address, with or without a port: `192.0.2.1:80`, `[2001:db8::1]:80`, `2001:db8::1`.
fn address_in(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if let Some(bracketed) = text.strip_prefix('[') {
        let (address, _) = bracketed.split_once(']')?;
        return address.parse().ok();
    }
    let without_port = match text.split_once(':') {
        Some((address, port)) if !port.contains(':') => address,
        _ => text,
    };
    without_port.parse().ok()
}

impl Networks {
    fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(address))
    }
}

impl FromStr for Networks {
    type Err = NotANetwork;
    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        words.map(|word| Network::parse(word).ok_or_else(|| NotANetwork(word.to_owned()))).collect()
    }
}

impl FromIterator<Network> for Networks {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        Self(networks.into_iter().collect())
    }
}

impl FromStr for ForwardedHeader {
    type Err = NotAHeader;
    fn from_str(text: &str) -> Result<Self, NotAHeader> {
        match text.to_ascii_lowercase().as_str() {
            "x-forwarded-for" => Ok(Self::XForwardedFor),
            "forwarded" => Ok(Self::Forwarded),
            _ => Err(NotAHeader),
        }
    }
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(width);
        (bits <= width).then_some(Self { address, bits })
    }

    fn contains(&self, other: IpAddr) -> bool {
        let same = |differing: u128, width: u32| {
            // A shift by the whole width is none of Rust's.
            differing.checked_shr(width - self.bits).unwrap_or(0) == 0
        };
        match (self.address, other) {
            (IpAddr::V4(ours), IpAddr::V4(other)) => {
                same(u128::from(ours.to_bits() ^ other.to_bits()), 32)
            }
            (IpAddr::V6(ours), IpAddr::V6(other)) => same(ours.to_bits() ^ other.to_bits(), 128),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PROXY: &str = "10.0.0.7";

    fn proxies(says: ForwardedHeader) -> Proxies {
        let networks = "10.0.0.0/8, 2001:db8:f::/48,192.0.2.9".parse().unwrap();
        Proxies { networks, says }
    }

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn at(text: &str) -> Client {
        Client::at(text.parse().unwrap())
    }

    fn seen(peer: &str, lines: &[&str]) -> Client {
        let lines: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
        let proxies = proxies(ForwardedHeader::XForwardedFor);
        proxies.client(peer.parse().unwrap(), &headers(&lines))
    }

    #[test]
    fn what_a_proxy_of_ours_says_is_believed_and_nobody_elses_word() {
        assert_eq!(seen(PROXY, &["203.0.113.5"]), at("203.0.113.5"));
        assert_eq!(seen("198.51.100.1", &["203.0.113.5"]), at("198.51.100.1"), "a stranger lies");
        assert_eq!(seen(PROXY, &[]), at(PROXY), "it says nothing");
    }

    #[test]
    fn what_a_client_claims_before_the_last_hop_is_not_believed() {
        assert_eq!(seen(PROXY, &["1.1.1.1, 203.0.113.5"]), at("203.0.113.5"));
        assert_eq!(seen(PROXY, &["1.1.1.1", "203.0.113.5"]), at("203.0.113.5"), "two lines");
        assert_eq!(seen(PROXY, &["1.1.1.1, 203.0.113.5, 10.9.9.9"]), at("203.0.113.5"));
        assert_eq!(seen(PROXY, &["1.1.1.1, nonsense"]), at(PROXY));
        assert_eq!(seen(PROXY, &["1.1.1.1, nonsense, 192.0.2.9"]), at("192.0.2.9"));
    }

    #[test]
    fn addresses_come_with_and_without_ports() {
        for text in ["2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:443"] {
            assert_eq!(seen("2001:db8:f::1", &[text]), at("2001:db8::1"), "{text}");
        }
        assert_eq!(seen("::ffff:10.0.0.7", &["192.0.2.1:4711"]), at("192.0.2.1"));
    }

    #[test]
    fn the_other_header_is_read_only_where_the_operator_says_so() {
        let both = headers(&[
            ("x-forwarded-for", "1.1.1.1"),
            ("forwarded", "for=2.2.2.2, For=\"[2001:db8::7]:80\";proto=https;by=10.0.0.7"),
        ]);
        let peer = PROXY.parse().unwrap();
        let seen = |says| proxies(says).client(peer, &both);
        assert_eq!(seen(ForwardedHeader::XForwardedFor), at("1.1.1.1"));
        assert_eq!(seen(ForwardedHeader::Forwarded), at("2001:db8::7"));
        let hidden = headers(&[("forwarded", "for=unknown")]);
        assert_eq!(proxies(ForwardedHeader::Forwarded).client(peer, &hidden), at(PROXY));
    }

    #[test]
    fn a_wrong_network_is_named() {
        for wrong in ["10.0.0.0/33", "::/129", "10.0.0.0/-1", "proxy.example.org", "10.0.0.1/8/8"] {
            let error = format!("127.0.0.1,{wrong}").parse::<Networks>().unwrap_err();
            assert!(error.to_string().contains(wrong), "{error}");
        }
        assert_eq!("".parse::<Networks>().unwrap(), Networks::default());
        let everybody: Networks = "0.0.0.0/0,::/0".parse().unwrap();
        for address in ["255.255.255.255", "::1"] {
            assert!(everybody.contain(address.parse().unwrap()));
        }
    }

    proptest! {
        #[test]
        fn no_header_of_a_stranger_moves_him(lines in prop::collection::vec("[ -~]{0,60}", 0..4)) {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            prop_assert_eq!(seen("198.51.100.1", &lines), at("198.51.100.1"));
        }

        #[test]
        fn whatever_stands_before_it_the_last_hop_counts(claimed in "[ -~]{0,60}") {
            let line = format!("{claimed}, 203.0.113.5");
            prop_assert_eq!(seen(PROXY, &[&line]), at("203.0.113.5"));
        }
    }
}
