-- The tables of a Tasking Manager's database that an import reads, with the columns and types that they have there.
-- Its geometries are PostGIS's, of which nothing here needs more than that they are something else than text.
CREATE DOMAIN geometry AS bytea;

CREATE TABLE users (
    id bigint PRIMARY KEY,
    username varchar UNIQUE,
    role integer NOT NULL DEFAULT 0,
    mapping_level integer NOT NULL DEFAULT 1,
    tasks_mapped integer NOT NULL DEFAULT 0,
    tasks_validated integer NOT NULL DEFAULT 0,
    tasks_invalidated integer NOT NULL DEFAULT 0,
    projects_mapped integer[],
    email_address varchar,
    is_email_verified boolean DEFAULT false,
    is_expert boolean DEFAULT false,
    name varchar,
    city varchar,
    country varchar,
    picture_url varchar,
    gender integer,
    default_editor varchar NOT NULL DEFAULT 'ID',
    mentions_notifications boolean NOT NULL DEFAULT true,
    projects_comments_notifications boolean NOT NULL DEFAULT false,
    projects_notifications boolean NOT NULL DEFAULT true,
    tasks_notifications boolean NOT NULL DEFAULT true,
    tasks_comments_notifications boolean NOT NULL DEFAULT false,
    teams_announcement_notifications boolean NOT NULL DEFAULT true,
    date_registered timestamp DEFAULT now(),
    last_validation_date timestamp DEFAULT now()
);

CREATE TABLE organisations (
    id serial PRIMARY KEY,
    name varchar(512) NOT NULL UNIQUE,
    slug varchar(255) NOT NULL UNIQUE,
    logo varchar,
    description varchar,
    url varchar,
    type integer NOT NULL DEFAULT 1,
    subscription_tier integer
);

CREATE TABLE organisation_managers (
    organisation_id integer NOT NULL REFERENCES organisations,
    user_id bigint NOT NULL REFERENCES users,
    CONSTRAINT organisation_user_key UNIQUE (organisation_id, user_id)
);

CREATE TABLE projects (
    id serial PRIMARY KEY,
    status integer NOT NULL DEFAULT 2,
    created timestamp NOT NULL DEFAULT now(),
    priority integer DEFAULT 2,
    default_locale varchar(10) DEFAULT 'en',
    author_id bigint NOT NULL REFERENCES users,
    mapping_permission integer DEFAULT 0,
    validation_permission integer DEFAULT 0,
    private boolean DEFAULT false,
    featured boolean DEFAULT false,
    changeset_comment varchar,
    due_date timestamp,
    imagery varchar,
    last_updated timestamp DEFAULT now(),
    geometry geometry NOT NULL DEFAULT '',
    centroid geometry NOT NULL DEFAULT '',
    country varchar[] DEFAULT '{}',
    task_creation_mode integer NOT NULL DEFAULT 0,
    organisation_id integer REFERENCES organisations,
    mapping_types integer[],
    mapping_editors integer[] NOT NULL DEFAULT '{0}',
    validation_editors integer[] NOT NULL DEFAULT '{0}',
    total_tasks integer NOT NULL DEFAULT 0,
    tasks_mapped integer NOT NULL DEFAULT 0,
    tasks_validated integer NOT NULL DEFAULT 0,
    tasks_bad_imagery integer NOT NULL DEFAULT 0
);

CREATE TABLE project_info (
    project_id integer NOT NULL REFERENCES projects,
    locale varchar(10) NOT NULL,
    name varchar(512),
    short_description varchar,
    description varchar,
    instructions varchar,
    project_id_str varchar,
    text_searchable tsvector,
    per_task_instructions varchar,
    PRIMARY KEY (project_id, locale)
);

CREATE TABLE teams (
    id serial PRIMARY KEY,
    organisation_id integer NOT NULL REFERENCES organisations,
    name varchar(512) NOT NULL,
    logo varchar,
    description varchar,
    join_method integer NOT NULL DEFAULT 0,
    visibility integer NOT NULL DEFAULT 0
);

CREATE TABLE project_teams (
    team_id integer NOT NULL REFERENCES teams,
    project_id integer NOT NULL REFERENCES projects,
    role integer NOT NULL,
    PRIMARY KEY (team_id, project_id)
);

CREATE TABLE team_members (
    team_id integer NOT NULL REFERENCES teams,
    user_id bigint NOT NULL REFERENCES users,
    function integer NOT NULL DEFAULT 2,
    active boolean DEFAULT false,
    join_request_notifications boolean NOT NULL DEFAULT false,
    PRIMARY KEY (team_id, user_id)
);

CREATE TABLE tasks (
    id integer NOT NULL,
    project_id integer NOT NULL REFERENCES projects,
    x integer,
    y integer,
    zoom integer,
    extra_properties varchar,
    is_square boolean DEFAULT true,
    geometry geometry,
    task_status integer DEFAULT 0,
    locked_by bigint REFERENCES users,
    mapped_by bigint REFERENCES users,
    validated_by bigint REFERENCES users,
    PRIMARY KEY (id, project_id)
);
CREATE INDEX ix_tasks_project_id ON tasks (project_id);

CREATE TABLE campaigns (
    id serial PRIMARY KEY,
    name varchar NOT NULL UNIQUE,
    logo varchar,
    url varchar,
    description varchar
);

CREATE TABLE campaign_projects (
    campaign_id integer REFERENCES campaigns,
    project_id integer REFERENCES projects
);

CREATE TABLE campaign_organisations (
    campaign_id integer REFERENCES campaigns,
    organisation_id integer REFERENCES organisations,
    CONSTRAINT campaign_organisation_key UNIQUE (campaign_id, organisation_id)
);
