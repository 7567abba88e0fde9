-- The tables of a Tasking Manager's database that matter here, with the columns, types, defaults and names of constraints
-- that they have in its versions of 2026. Its geometries are PostGIS's, of which nothing here needs more than that they are
-- something else than text.
CREATE DOMAIN geometry AS bytea;

CREATE TABLE users (
    id bigint PRIMARY KEY,
    username varchar UNIQUE,
    role integer NOT NULL,
    mapping_level integer NOT NULL,
    tasks_mapped integer NOT NULL,
    tasks_validated integer NOT NULL,
    tasks_invalidated integer NOT NULL,
    projects_mapped integer[],
    email_address varchar,
    is_email_verified boolean,
    is_expert boolean,
    name varchar,
    city varchar,
    country varchar,
    picture_url varchar,
    gender integer,
    default_editor varchar NOT NULL DEFAULT 'ID',
    mentions_notifications boolean NOT NULL DEFAULT true,
    projects_notifications boolean NOT NULL DEFAULT true,
    tasks_notifications boolean NOT NULL DEFAULT true,
    projects_comments_notifications boolean NOT NULL,
    tasks_comments_notifications boolean NOT NULL,
    teams_announcement_notifications boolean NOT NULL,
    task_validation_notification boolean NOT NULL DEFAULT true,
    task_invalidation_notification boolean NOT NULL DEFAULT true,
    date_registered timestamp,
    last_validation_date timestamp
);
CREATE INDEX idx_username_lower ON users (lower(username));

CREATE TABLE organisations (
    id serial PRIMARY KEY,
    name varchar(512) NOT NULL UNIQUE,
    logo varchar,
    url varchar,
    description varchar,
    type integer NOT NULL,
    slug varchar(255) NOT NULL UNIQUE,
    subscription_tier integer
);

CREATE TABLE organisation_managers (
    organisation_id integer NOT NULL REFERENCES organisations,
    user_id bigint NOT NULL REFERENCES users,
    CONSTRAINT organisation_user_key UNIQUE (organisation_id, user_id)
);

CREATE TABLE projects (
    id serial PRIMARY KEY,
    status integer NOT NULL,
    created timestamp NOT NULL,
    priority integer,
    default_locale varchar(10),
    author_id bigint NOT NULL CONSTRAINT fk_users REFERENCES users,
    difficulty integer NOT NULL,
    private boolean,
    featured boolean,
    changeset_comment varchar,
    due_date timestamp,
    imagery varchar,
    last_updated timestamp,
    mapping_types integer[],
    total_tasks integer NOT NULL,
    tasks_mapped integer NOT NULL,
    tasks_validated integer NOT NULL,
    tasks_bad_imagery integer NOT NULL,
    geometry geometry NOT NULL,
    centroid geometry NOT NULL,
    country varchar[],
    task_creation_mode integer NOT NULL,
    mapping_editors integer[] NOT NULL DEFAULT '{0,1,2,3}',
    validation_editors integer[] NOT NULL DEFAULT '{0,1,2,3}',
    organisation_id integer CONSTRAINT fk_organisations REFERENCES organisations,
    mapping_permission integer,
    validation_permission integer,
    mapping_permission_level_id integer NOT NULL DEFAULT 1,
    validation_permission_level_id integer NOT NULL DEFAULT 2,
    database varchar NOT NULL DEFAULT 'OSM',
    sandbox boolean NOT NULL DEFAULT false
);
CREATE INDEX ix_projects_organisation_id ON projects (organisation_id);

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
    organisation_id integer NOT NULL CONSTRAINT fk_organisations REFERENCES organisations,
    name varchar(512) NOT NULL,
    logo varchar,
    description varchar,
    visibility integer NOT NULL DEFAULT 1,
    join_method integer NOT NULL
);

CREATE TABLE project_teams (
    team_id integer NOT NULL REFERENCES teams,
    project_id integer NOT NULL REFERENCES projects,
    role integer NOT NULL,
    id bigserial PRIMARY KEY,
    CONSTRAINT uq_project_team_role UNIQUE (team_id, project_id, role)
);
CREATE INDEX ix_project_teams_project_id ON project_teams (project_id);

CREATE TABLE team_members (
    team_id integer NOT NULL CONSTRAINT fk_teams REFERENCES teams,
    user_id bigint NOT NULL CONSTRAINT fk_users REFERENCES users,
    function integer NOT NULL,
    active boolean,
    join_request_notifications boolean NOT NULL,
    joined_date timestamp,
    PRIMARY KEY (team_id, user_id)
);

CREATE TABLE tasks (
    id integer NOT NULL,
    project_id integer NOT NULL REFERENCES projects,
    x integer,
    y integer,
    zoom integer,
    geometry geometry,
    task_status integer,
    locked_by bigint CONSTRAINT fk_users_locked REFERENCES users,
    mapped_by bigint CONSTRAINT fk_users_mapper REFERENCES users,
    validated_by bigint CONSTRAINT fk_users_validator REFERENCES users,
    is_square boolean,
    extra_properties varchar,
    PRIMARY KEY (id, project_id)
);
CREATE INDEX ix_tasks_project_id ON tasks (project_id);

CREATE TABLE messages (
    id serial PRIMARY KEY,
    message varchar,
    subject varchar,
    from_user_id bigint REFERENCES users,
    to_user_id bigint REFERENCES users,
    date timestamp,
    read boolean,
    message_type integer,
    project_id integer CONSTRAINT fk_message_projects REFERENCES projects,
    task_id integer,
    CONSTRAINT messages_tasks FOREIGN KEY (task_id, project_id) REFERENCES tasks (id, project_id)
);
CREATE INDEX ix_messages_to_user_id ON messages (to_user_id);

CREATE TABLE notifications (
    id serial PRIMARY KEY,
    user_id bigint REFERENCES users,
    unread_count integer,
    date timestamp
);

CREATE TABLE campaigns (
    id serial PRIMARY KEY,
    name varchar NOT NULL CONSTRAINT campaigns_name_key UNIQUE,
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
