-- The shop's two tables, made by whichever instance starts first; the lock lets the other wait,
-- since CREATE ... IF NOT EXISTS alone is not safe side by side.
BEGIN;
SELECT pg_advisory_xact_lock(72057594037927);

-- One row a product, so that "is there one left" is one atomic update. Every unit is either
-- available, held by a purchase that is reserved or confirming, or sold.
CREATE TABLE IF NOT EXISTS product (
    id        text PRIMARY KEY,
    total     int NOT NULL,
    available int NOT NULL,
    sold      int NOT NULL DEFAULT 0,
    CONSTRAINT product_never_oversold
        CHECK (available >= 0 AND sold >= 0 AND available + sold <= total)
);

CREATE TABLE IF NOT EXISTS purchase (
    id          text PRIMARY KEY,
    product     text NOT NULL REFERENCES product,
    buyer       text NOT NULL,
    amount      bigint NOT NULL CHECK (amount > 0),
    state       text NOT NULL
        CHECK (state IN ('reserved', 'confirming', 'paid', 'failed', 'released')),
    -- Until when a reserved unit is kept for a buyer who does nothing.
    hold_until  timestamptz NOT NULL,
    -- The window's result that is being confirmed; the first one wins, for ever.
    payment_key text,
    payment_id  text,
    -- Which piece of the edition: given at payment, so that numbers have no gaps.
    edition     int,
    failure     text,
    -- When the caretaker asks the core about a purchase that is confirming, and how often it did.
    ask_at      timestamptz,
    asks        int NOT NULL DEFAULT 0,
    created_at  timestamptz NOT NULL DEFAULT now(),
    paid_at     timestamptz,
    CONSTRAINT purchase_paid_is_complete
        CHECK (state <> 'paid' OR (payment_id IS NOT NULL AND edition IS NOT NULL)),
    CONSTRAINT purchase_edition_once UNIQUE (product, edition)
);

-- A buyer holds one unit at a time: a double click, or a second tab, finds the first one.
CREATE UNIQUE INDEX IF NOT EXISTS purchase_one_live
    ON purchase (product, buyer) WHERE state IN ('reserved', 'confirming');
CREATE INDEX IF NOT EXISTS purchase_holds ON purchase (hold_until) WHERE state = 'reserved';
CREATE INDEX IF NOT EXISTS purchase_asks ON purchase (ask_at) WHERE state = 'confirming';
COMMIT;
