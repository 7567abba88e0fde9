internal import Campaigns
internal import JSON
internal import PostgreSQL
internal import Records

/// Reads and changes records within one transaction. What it has read of a campaign stays so until that ends, for it is locked.
final class DatabaseWriter: RecordWriter {
    private let connection: DatabaseConnection
    /// What has been read and changed so far; nil: there is none.
    private var campaigns: [Int: Campaign?] = [:]
    private var users: [Int: User?] = [:]
    /// What the database has refused first; the transaction is of no use any more.
    private(set) var failure: DatabaseError?

    /// - Parameter connection: in a transaction.
    init(_ connection: DatabaseConnection) {
        self.connection = connection
    }

    private func asking<Value>(
        _ body: (DatabaseConnection) throws(DatabaseError) -> Value
    ) throws(StoreUnavailable) -> Value {
        do throws(DatabaseError) {
            return try body(connection)
        } catch {
            failure = failure ?? error
            throw StoreUnavailable("The database cannot be used", detail: "\(error)")
        }
    }

    // MARK: Reading

    func user(_ id: Int) throws(StoreUnavailable) -> User? {
        if let known = users[id] { return known }
        let user = try asking { connection throws(DatabaseError) in try connection.users([id]).first }
        users[id] = .some(user)
        return user
    }

    func organisation(_ id: Int) throws(StoreUnavailable) -> Organisation? {
        try asking { connection throws(DatabaseError) in try connection.organisations([id]).first }
    }

    func project(_ id: Int) throws(StoreUnavailable) -> Project? {
        try asking { connection throws(DatabaseError) in try connection.projects([id]).first }
    }

    func campaign(_ id: Int) throws(StoreUnavailable) -> Campaign? {
        if let known = campaigns[id] { return known }
        let campaign = try asking { connection throws(DatabaseError) -> Campaign? in
            // Nobody can link anything to it then: the Tasking Manager's foreign keys want a lock of it too.
            guard try !connection.query("SELECT FROM public.campaigns WHERE id = $1::bigint FOR UPDATE", id).isEmpty
            else { return nil }
            return try connection.campaigns([id]).first
        }
        campaigns[id] = .some(campaign)
        return campaign
    }

    func campaignID(named name: String) throws(StoreUnavailable) -> Int? {
        try asking { connection throws(DatabaseError) in
            // Who wants the same name waits for the end of this transaction.
            try connection.query("SELECT pg_advisory_xact_lock(7230, hashtext(normalize($1::text, NFC)))", name)
            return try connection.query(
                "SELECT id FROM public.campaigns WHERE normalize(name, NFC) = normalize($1::text, NFC) ORDER BY id LIMIT 1",
                name
            ).first?.number(0)
        }
    }

    func newCampaignID() throws(StoreUnavailable) -> Int {
        try asking { connection throws(DatabaseError) in
            try connection.query("SELECT nextval('public.campaigns_id_seq')").first?.number(0) ?? 0
        }
    }

    // MARK: Campaigns

    func put(_ campaign: Campaign, as entry: ChangeEntry) throws(StoreUnavailable) {
        let known = campaigns[campaign.id] ?? nil
        try asking { connection throws(DatabaseError) in
            if let known {
                try change(known, to: campaign, connection)
            } else {
                try connection.query(
                    "INSERT INTO public.campaigns (id, name, logo, url, description) VALUES ($1, $2, $3, $4, $5)",
                    campaign.id, campaign.name, campaign.logo, campaign.url, campaign.description)
            }
            let before = known ?? Campaign(id: campaign.id, name: campaign.name)
            try link(before, to: campaign, connection)
            try note(entry, connection)
        }
        campaigns[campaign.id] = .some(campaign)
    }

    /// Changes what is to be another, and nothing else: what cannot be shown stays as it is.
    private func change(
        _ known: Campaign, to campaign: Campaign, _ connection: DatabaseConnection
    ) throws(DatabaseError) {
        func isChanged(_ old: String?, _ new: String?) -> Bool {
            // By their bytes: two spellings that are canonically equivalent are equal to Swift.
            old.map { Array($0.utf8) } != new.map { Array($0.utf8) }
        }
        let changed = [
            isChanged(known.name, campaign.name), isChanged(known.logo, campaign.logo),
            isChanged(known.url, campaign.url), isChanged(known.description, campaign.description),
        ]
        guard changed.contains(true) else { return }
        try connection.query(
            """
            UPDATE public.campaigns SET name = CASE WHEN $2::boolean THEN $3::text ELSE name END,
              logo = CASE WHEN $4::boolean THEN $5::text ELSE logo END, url = CASE WHEN $6::boolean THEN $7::text ELSE url END,
              description = CASE WHEN $8::boolean THEN $9::text ELSE description END WHERE id = $1::bigint
            """, campaign.id, changed[0], campaign.name, changed[1], campaign.logo, changed[2], campaign.url,
            changed[3],
            campaign.description)
    }

    private func link(
        _ known: Campaign, to campaign: Campaign, _ connection: DatabaseConnection
    ) throws(DatabaseError) {
        let id = campaign.id
        if known.organisations != campaign.organisations {
            let removed = Set(known.organisations).subtracting(campaign.organisations).sorted()
            let added = Set(campaign.organisations).subtracting(known.organisations).sorted()
            if !removed.isEmpty {
                try connection.query(
                    "DELETE FROM public.campaign_organisations WHERE campaign_id = $1::bigint AND organisation_id = ANY($2::bigint[])",
                    id, removed)
            }
            if !added.isEmpty {
                try connection.query(
                    """
                    INSERT INTO public.campaign_organisations (campaign_id, organisation_id) SELECT $1::int, unnest($2::int[])
                    ON CONFLICT (campaign_id, organisation_id) DO NOTHING
                    """, id, added)
            }
            try connection.query(
                """
                INSERT INTO campaignd.organisation_order (campaign_id, organisations) VALUES ($1, $2)
                ON CONFLICT (campaign_id) DO UPDATE SET organisations = excluded.organisations
                """, id, campaign.organisations)
        }
        let removed = Set(known.projects).subtracting(campaign.projects).sorted()
        let added = Set(campaign.projects).subtracting(known.projects).sorted()
        if !removed.isEmpty {
            try connection.query(
                "DELETE FROM public.campaign_projects WHERE campaign_id = $1::bigint AND project_id = ANY($2::bigint[])",
                id, removed)
        }
        if !added.isEmpty {
            // There is no key, and none is needed: the campaign is locked, and these were not linked to it.
            try connection.query(
                "INSERT INTO public.campaign_projects (campaign_id, project_id) SELECT $1::int, unnest($2::int[])", id,
                added)
        }
    }

    func remove(_ campaign: Campaign, as entry: ChangeEntry) throws(StoreUnavailable) {
        let id = campaign.id
        try asking { connection throws(DatabaseError) in
            try connection.query("DELETE FROM public.campaign_projects WHERE campaign_id = $1::bigint", id)
            try connection.query("DELETE FROM public.campaign_organisations WHERE campaign_id = $1::bigint", id)
            try connection.query("DELETE FROM public.campaigns WHERE id = $1::bigint", id)
            try connection.query("DELETE FROM campaignd.organisation_order WHERE campaign_id = $1::bigint", id)
            try note(entry, connection)
        }
        campaigns[id] = .some(nil)
    }

    private func note(_ entry: ChangeEntry, _ connection: DatabaseConnection) throws(DatabaseError) {
        // Triggers may be absent; twice does not hurt.
        try connection.query("INSERT INTO campaignd.change (kind, id) VALUES ('c', $1)", entry.campaign)
        try connection.query(
            """
            INSERT INTO campaignd.history (user_id, campaign_id, campaign_name, action, fields)
            VALUES ($1, $2, $3, $4, $5::json)
            """, entry.user, entry.campaign, entry.campaignName, entry.action.rawValue,
            String(decoding: JSONValue.object(entry.fields).compact, as: UTF8.self))
    }

    // MARK: Users

    func userForUpdate(_ id: Int) throws(StoreUnavailable) -> User? {
        _ = try asking { connection throws(DatabaseError) in
            try connection.query("SELECT FROM public.users WHERE id = $1::bigint FOR NO KEY UPDATE", id)
        }
        users[id] = nil
        return try user(id)
    }

    func put(_ user: User) throws(StoreUnavailable) {
        let known = try self.user(user.id)
        try asking { connection throws(DatabaseError) in
            guard let known else {
                // With what the Tasking Manager gives to somebody who comes for the first time.
                try connection.query(
                    """
                    INSERT INTO public.users (id, username, role, mapping_level, tasks_mapped, tasks_validated,
                      tasks_invalidated, picture_url, projects_notifications, projects_comments_notifications,
                      tasks_comments_notifications, teams_announcement_notifications, date_registered)
                    VALUES ($1, $2, 0, 1, 0, 0, 0, $3, $4, false, false, true, now() AT TIME ZONE 'UTC')
                    """, user.id, user.username, user.pictureUrl, user.projectsNotifications)
                return
            }
            try connection.query(
                """
                UPDATE public.users SET username = CASE WHEN $2::boolean THEN $3::text ELSE username END,
                  picture_url = CASE WHEN $4::boolean THEN $5::text ELSE picture_url END,
                  projects_notifications = CASE WHEN $6::boolean THEN $7::boolean ELSE projects_notifications END
                WHERE id = $1::bigint
                """, user.id, known.username != user.username, user.username, known.pictureUrl != user.pictureUrl,
                user.pictureUrl, known.projectsNotifications != user.projectsNotifications, user.projectsNotifications)
        }
        users[user.id] = .some(user)
    }
}
