-- An operator looks for an order by its code, with nothing else to go by.
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_by_code ON orders (ledger, code);
