-- What the Tasking Manager's tables have no place for.
CREATE SCHEMA IF NOT EXISTS campaignd;

-- What has changed: appended by triggers, and by the service itself, in the transaction that makes the change. Nothing ever
-- updates a row.
CREATE TABLE IF NOT EXISTS campaignd.change (
    xid  xid8        NOT NULL DEFAULT pg_current_xact_id(),
    kind "char"      NOT NULL,          -- c campaign, o organisation, p project, l logo, * everything
    id   bigint      NOT NULL,
    at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX IF NOT EXISTS change_xid ON campaignd.change (xid);

-- Which transactions had all ended at some time: older rows of campaignd.change may go.
CREATE TABLE IF NOT EXISTS campaignd.horizon (
    at  timestamptz PRIMARY KEY,
    xid xid8        NOT NULL
);

-- The order in which a campaign's organisations were given. No foreign key: it would be in the Tasking Manager's way.
CREATE TABLE IF NOT EXISTS campaignd.organisation_order (
    campaign_id   integer   PRIMARY KEY,
    organisations integer[] NOT NULL
);

-- Which requests have been carried out, for those whose COMMIT got no answer.
CREATE TABLE IF NOT EXISTS campaignd.done (
    request uuid        PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    result  bigint                      -- the id that was made
);

-- Messages to contributors: stored when they are sent, delivered later.
CREATE TABLE IF NOT EXISTS campaignd.message (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    campaign_id   integer     NOT NULL,
    campaign_name text        NOT NULL,
    sender        bigint      NOT NULL,
    sender_name   text        NOT NULL,
    subject       text        NOT NULL,
    markdown      text        NOT NULL,
    html          text        NOT NULL, -- rendered when it was sent
    projects      integer[]   NOT NULL, -- linked when it was sent
    sent          timestamp   NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    delivered     timestamptz,
    recipients    integer,
    mailed_up_to  bigint      NOT NULL DEFAULT 0 -- an id in public.messages
);
CREATE INDEX IF NOT EXISTS message_waiting ON campaignd.message (id) WHERE delivered IS NULL;

-- Uploaded pictures.
CREATE TABLE IF NOT EXISTS campaignd.logo (
    name text        PRIMARY KEY,       -- a digest of the content, and the extension
    data bytea       NOT NULL,
    at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
-- They are compressed already.
ALTER TABLE campaignd.logo ALTER data SET STORAGE EXTERNAL;

-- Who changed what of a campaign.
CREATE TABLE IF NOT EXISTS campaignd.history (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at            timestamptz NOT NULL DEFAULT clock_timestamp(),
    user_id       bigint      NOT NULL,
    campaign_id   integer     NOT NULL,
    campaign_name text        NOT NULL,
    action        text        NOT NULL,
    fields        json        NOT NULL  -- json keeps the order of the fields
);
CREATE INDEX IF NOT EXISTS history_campaign ON campaignd.history (campaign_id, id);

-- Rights on the Tasking Manager's tables that the installation has given, to be taken back by the removal.
CREATE TABLE IF NOT EXISTS campaignd.granted (
    role      text NOT NULL,
    privilege text NOT NULL,
    object    text NOT NULL,
    PRIMARY KEY (role, privilege, object)
);
