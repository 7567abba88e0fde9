-- To find a name by its canonical form. Not unique: there may be names already that differ in form alone.
CREATE INDEX CONCURRENTLY IF NOT EXISTS campaignd_name ON public.campaigns (normalize(name, NFC));
