-- A hold of some units, as a team would write it: one function, one transaction, one round trip.
CREATE TABLE hold (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL UNIQUE,
    buyer text NOT NULL,
    quantity int NOT NULL,
    deadline_at timestamptz NOT NULL
);
CREATE INDEX ON hold (deadline_at);
CREATE TABLE buyer_units (buyer text PRIMARY KEY, quantity int NOT NULL);

-- Variant one: a row for each unit; who holds skips rows that others have locked.
CREATE TABLE unit (id int PRIMARY KEY, hold bigint);
CREATE INDEX unit_free ON unit (id) WHERE hold IS NULL;

-- Variant two: one counter.
CREATE TABLE stock (id int PRIMARY KEY, free int NOT NULL CHECK (free >= 0));
INSERT INTO stock VALUES (1, 0);

CREATE FUNCTION claim(p_key text, p_buyer text, p_quantity int, p_limit int) RETURNS bigint AS $$
DECLARE
    v_hold bigint;
BEGIN
    INSERT INTO buyer_units VALUES (p_buyer, p_quantity)
        ON CONFLICT (buyer) DO UPDATE SET quantity = buyer_units.quantity + p_quantity
        WHERE buyer_units.quantity + p_quantity <= p_limit;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'limit_exceeded';
    END IF;
    INSERT INTO hold (key, buyer, quantity, deadline_at) VALUES (p_key, p_buyer, p_quantity, now() + interval '10 minutes')
        RETURNING id INTO v_hold;
    RETURN v_hold;
END
$$ LANGUAGE plpgsql;

CREATE FUNCTION hold_rows(p_key text, p_buyer text, p_quantity int, p_limit int) RETURNS bigint AS $$
DECLARE
    v_hold bigint;
    v_taken int;
BEGIN
    SELECT id INTO v_hold FROM hold WHERE key = p_key;
    IF FOUND THEN
        RETURN v_hold;
    END IF;
    v_hold := claim(p_key, p_buyer, p_quantity, p_limit);
    UPDATE unit SET hold = v_hold WHERE id IN (
        SELECT id FROM unit WHERE hold IS NULL ORDER BY id LIMIT p_quantity FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS v_taken = ROW_COUNT;
    IF v_taken < p_quantity THEN
        RAISE EXCEPTION 'sold_out';
    END IF;
    RETURN v_hold;
END
$$ LANGUAGE plpgsql;

CREATE FUNCTION hold_counter(p_key text, p_buyer text, p_quantity int, p_limit int) RETURNS bigint AS $$
DECLARE
    v_hold bigint;
BEGIN
    SELECT id INTO v_hold FROM hold WHERE key = p_key;
    IF FOUND THEN
        RETURN v_hold;
    END IF;
    v_hold := claim(p_key, p_buyer, p_quantity, p_limit);
    -- The hot row comes last: it is locked for as short as can be.
    UPDATE stock SET free = free - p_quantity WHERE id = 1 AND free >= p_quantity;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'sold_out';
    END IF;
    RETURN v_hold;
END
$$ LANGUAGE plpgsql;
