-- Version 5: what the console lists.

-- dictations: a handful among millions.
CREATE INDEX message_dictation ON message (id) WHERE format = 'dictation';
