SELECT run_uuid, digest FROM mltrack.run WHERE import_id = $1 AND run_uuid = ANY ($2::text[]) AND created AND digest IS NOT NULL
