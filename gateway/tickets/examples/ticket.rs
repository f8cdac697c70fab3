//! Writes a PDF of three tickets: `cargo run -p tessera-paper --example ticket -- tickets.pdf`.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use tessera_paper::{Place, Sheet, Ticket, pdf};

fn main() {
    let path = std::env::args().nth(1).expect("the path of the PDF");
    let names = ["Lower tier – Reihe für Größen", "منطقة الوقوف", "अगली पंक्ति 前排座位 ที่นั่งด้านหน้า"];
    let tickets: Vec<_> = (1..)
        .zip(names)
        .map(|(number, ticket_type)| Ticket {
            qr: "T1:NOT A GENUINE TICKET",
            id: "tkt_3c9pkv0e5gg008000000000096",
            ticket_type,
            place: (number == 1).then_some(Place { section: "A", row: "12", seat: "14" }),
            price: "EUR 90.00",
            number,
            of: names.len(),
        })
        .collect();
    let sheet = Sheet {
        event: "Club night: Ночь, ליל מועדון, 클럽의 밤",
        starts_at: "2027-03-01T20:00:00Z".parse().unwrap(),
        ends_at: Some("2027-03-02T03:00:00Z".parse().unwrap()),
        zone: "Europe/Berlin",
        place: Some("Halle am Fluss, Uferstraße 1, Berlin"),
        logo: None,
        note: "Doors open one hour before.",
    };
    std::fs::write(path, pdf(&sheet, &tickets).unwrap()).unwrap();
}
