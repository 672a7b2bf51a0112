SELECT name, "unique", origin = 'pk', partial FROM pragma_index_list(?1) ORDER BY seq
