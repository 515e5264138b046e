-- Lists of orders: who ordered how many seats, newest first. What was written before this release gets
-- its facts from the events.
ALTER TABLE orders ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE orders ADD COLUMN seats INTEGER NOT NULL DEFAULT 0;
-- Lower case: what lists are searched in.
ALTER TABLE orders ADD COLUMN sought TEXT NOT NULL DEFAULT '';

UPDATE orders SET
    name = coalesce((
        SELECT (payload ->> '$.registrant.given_name') || ' '
               || (payload ->> '$.registrant.family_name')
        FROM events WHERE events.ledger = orders.ledger AND events.process = orders.process
        AND kind = 'Order.OrderRegistrantAssigned.v1' ORDER BY position DESC LIMIT 1), ''),
    seats = coalesce((
        SELECT (SELECT sum(value ->> '$.quantity') FROM json_each(payload, '$.seats'))
        FROM events WHERE events.ledger = orders.ledger AND events.process = orders.process
        AND kind IN ('Order.OrderPartiallyReserved.v1', 'Order.OrderReservationCompleted.v1')
        ORDER BY position DESC LIMIT 1), 0);
UPDATE orders SET sought = lower(
    code || ' ' || substr(code, 1, 3) || '-' || substr(code, 4) || char(10) || name || char(10)
    || email);

CREATE INDEX orders_newest ON orders (ledger, placed_at DESC, process DESC);
CREATE INDEX orders_newest_by_status ON orders (ledger, status, placed_at DESC, process DESC);
