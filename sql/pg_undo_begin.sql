-- What an undo works with. x: the import's transactions, as rows show them in xmin; those so long ago that their numbers may
-- have come again are left out. r: its runs, and why one that it created must stay. go: small rows that may be removed.
CREATE TEMPORARY TABLE mltrack_x (x xid) ON COMMIT DROP;
CREATE TEMPORARY TABLE mltrack_r (run_uuid text COLLATE "C" PRIMARY KEY, created boolean, why text) ON COMMIT DROP;
CREATE TEMPORARY TABLE mltrack_go (tab integer, id tid) ON COMMIT DROP;
CREATE TEMPORARY TABLE mltrack_latest (run_uuid text, key text) ON COMMIT DROP
