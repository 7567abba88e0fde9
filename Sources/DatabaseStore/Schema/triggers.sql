-- Whatever the Tasking Manager changes is noted, in its own transaction. Its role needs no right on the schema campaignd.
CREATE OR REPLACE FUNCTION campaignd.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO campaignd.change (kind, id) VALUES ('*', 0);
        RETURN NULL;
    END IF;
    CASE TG_TABLE_NAME
    WHEN 'campaigns' THEN
        INSERT INTO campaignd.change (kind, id) VALUES ('c', coalesce(NEW.id, OLD.id));
        IF TG_OP = 'DELETE' THEN
            DELETE FROM campaignd.organisation_order WHERE campaign_id = OLD.id;
        END IF;
    WHEN 'organisations' THEN
        INSERT INTO campaignd.change (kind, id) VALUES ('o', coalesce(NEW.id, OLD.id));
    WHEN 'projects' THEN
        INSERT INTO campaignd.change (kind, id) VALUES ('p', coalesce(NEW.id, OLD.id));
    ELSE -- campaign_projects, campaign_organisations
        IF TG_OP <> 'INSERT' AND OLD.campaign_id IS NOT NULL THEN
            INSERT INTO campaignd.change (kind, id) VALUES ('c', OLD.campaign_id);
        END IF;
        IF TG_OP <> 'DELETE' AND NEW.campaign_id IS NOT NULL
            AND (TG_OP = 'INSERT' OR NEW.campaign_id IS DISTINCT FROM OLD.campaign_id) THEN
            INSERT INTO campaignd.change (kind, id) VALUES ('c', NEW.campaign_id);
        END IF;
    END CASE;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER campaignd AFTER INSERT OR UPDATE OR DELETE ON public.campaigns
    FOR EACH ROW EXECUTE FUNCTION campaignd.note();
CREATE OR REPLACE TRIGGER campaignd AFTER INSERT OR UPDATE OR DELETE ON public.campaign_projects
    FOR EACH ROW EXECUTE FUNCTION campaignd.note();
CREATE OR REPLACE TRIGGER campaignd AFTER INSERT OR UPDATE OR DELETE ON public.campaign_organisations
    FOR EACH ROW EXECUTE FUNCTION campaignd.note();
CREATE OR REPLACE TRIGGER campaignd AFTER INSERT OR DELETE OR UPDATE OF name, slug, logo, url ON public.organisations
    FOR EACH ROW EXECUTE FUNCTION campaignd.note();
-- An UPDATE of a project, of which there are many, costs nothing.
CREATE OR REPLACE TRIGGER campaignd AFTER INSERT OR DELETE ON public.projects
    FOR EACH ROW EXECUTE FUNCTION campaignd.note();
CREATE OR REPLACE TRIGGER campaignd_truncate AFTER TRUNCATE ON public.campaigns
    EXECUTE FUNCTION campaignd.note();
CREATE OR REPLACE TRIGGER campaignd_truncate AFTER TRUNCATE ON public.campaign_projects
    EXECUTE FUNCTION campaignd.note();
CREATE OR REPLACE TRIGGER campaignd_truncate AFTER TRUNCATE ON public.campaign_organisations
    EXECUTE FUNCTION campaignd.note();
CREATE OR REPLACE TRIGGER campaignd_truncate AFTER TRUNCATE ON public.organisations
    EXECUTE FUNCTION campaignd.note();
CREATE OR REPLACE TRIGGER campaignd_truncate AFTER TRUNCATE ON public.projects
    EXECUTE FUNCTION campaignd.note();

-- Also for changes that come by logical replication or by a restore with session_replication_role = replica.
ALTER TABLE public.campaigns              ENABLE ALWAYS TRIGGER campaignd, ENABLE ALWAYS TRIGGER campaignd_truncate;
ALTER TABLE public.campaign_projects      ENABLE ALWAYS TRIGGER campaignd, ENABLE ALWAYS TRIGGER campaignd_truncate;
ALTER TABLE public.campaign_organisations ENABLE ALWAYS TRIGGER campaignd, ENABLE ALWAYS TRIGGER campaignd_truncate;
ALTER TABLE public.organisations          ENABLE ALWAYS TRIGGER campaignd, ENABLE ALWAYS TRIGGER campaignd_truncate;
ALTER TABLE public.projects               ENABLE ALWAYS TRIGGER campaignd, ENABLE ALWAYS TRIGGER campaignd_truncate;
