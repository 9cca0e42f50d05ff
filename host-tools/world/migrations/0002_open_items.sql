-- A worker looks for the next open item of a batch without passing every one that is done.
CREATE INDEX batch_items_open ON batch_items (batch, item) WHERE card IS NULL;
