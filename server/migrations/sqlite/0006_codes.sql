-- An operator looks for an order by its code, with nothing else to go by.
CREATE INDEX orders_by_code ON orders (ledger, code);
