internal import Campaigns
internal import PostgreSQL

/// The records, as a Tasking Manager's tables have them. What the API would not take is shown as an import makes it.
extension DatabaseConnection {
    /// The campaigns with these ids, or all, by rising id, with their organisations in the order in which they were given.
    func campaigns(_ ids: [Int]? = nil) throws(DatabaseError) -> [Campaign] {
        let organisations = try links(
            rows(
                ids,
                "SELECT campaign_id, organisation_id FROM public.campaign_organisations ORDER BY 1, 2",
                "SELECT campaign_id, organisation_id FROM public.campaign_organisations WHERE campaign_id = ANY($1::bigint[]) ORDER BY 1, 2"
            ))
        let projects = try links(
            rows(
                ids,
                "SELECT DISTINCT campaign_id, project_id FROM public.campaign_projects ORDER BY 1, 2",
                "SELECT DISTINCT campaign_id, project_id FROM public.campaign_projects WHERE campaign_id = ANY($1::bigint[]) ORDER BY 1, 2"
            ))
        var orders: [Int: [Int]] = [:]
        for row in try rows(
            ids,
            "SELECT campaign_id, organisations FROM campaignd.organisation_order",
            "SELECT campaign_id, organisations FROM campaignd.organisation_order WHERE campaign_id = ANY($1::bigint[])")
        {
            orders[row.number(0) ?? 0] = row.numbers(1)
        }
        return try rows(
            ids,
            "SELECT id, name, logo, url, description FROM public.campaigns ORDER BY id",
            "SELECT id, name, logo, url, description FROM public.campaigns WHERE id = ANY($1::bigint[]) ORDER BY id"
        ).map { row in
            let id = row.number(0) ?? 0
            return Campaign(
                id: id, name: row.text(1) ?? "", logo: row.link(2, .logo), url: row.link(3, .url),
                description: row.text(4),
                organisations: Self.ordered(organisations[id] ?? [], by: orders[id] ?? []), projects: projects[id] ?? []
            )
        }
    }

    /// The organisations with these ids, or all, by rising id, as campaigns show them: without managers and the rest.
    func shownOrganisations(_ ids: [Int]? = nil) throws(DatabaseError) -> [Organisation] {
        try rows(
            ids,
            "SELECT id, name, slug, logo, url FROM public.organisations ORDER BY id",
            "SELECT id, name, slug, logo, url FROM public.organisations WHERE id = ANY($1::bigint[]) ORDER BY id"
        ).map { row in
            Organisation(
                id: row.number(0) ?? 0, name: row.text(1), slug: row.text(2), logo: row.link(3, .logo),
                url: row.link(4, .url))
        }
    }

    /// The organisations with these ids, or all, by rising id.
    func organisations(_ ids: [Int]? = nil) throws(DatabaseError) -> [Organisation] {
        try rows(
            ids,
            """
            SELECT id, name, slug, logo, url, description, type, subscription_tier,
              ARRAY(SELECT user_id FROM public.organisation_managers WHERE organisation_id = o.id ORDER BY user_id)
            FROM public.organisations AS o ORDER BY id
            """,
            """
            SELECT id, name, slug, logo, url, description, type, subscription_tier,
              ARRAY(SELECT user_id FROM public.organisation_managers WHERE organisation_id = o.id ORDER BY user_id)
            FROM public.organisations AS o WHERE id = ANY($1::bigint[]) ORDER BY id
            """
        ).map { row in
            Organisation(
                id: row.number(0) ?? 0, name: row.text(1), slug: row.text(2), logo: row.link(3, .logo),
                url: row.link(4, .url), description: row.text(5), type: row.number(6).flatMap { Self.types[$0] },
                subscriptionTier: row.number(7), managers: row.numbers(8) ?? [])
        }
    }

    /// The projects with these ids, or all, by rising id.
    func projects(_ ids: [Int]? = nil) throws(DatabaseError) -> [Project] {
        try rows(ids, SQL(composed: "\(Self.project) ORDER BY p.id"), SQL(composed: "\(Self.project) \(Self.ofIDs)"))
            .map { row in
                Project(
                    id: row.number(0) ?? 0, name: row.text(1), shortDescription: row.text(2),
                    status: row.number(3).flatMap { Self.statuses[$0] }, percentMapped: row.percent(9, 10),
                    percentValidated: row.percent(10), author: row.number(4), organisation: row.number(5),
                    managers: row.numbers(6) ?? [], contributors: row.numbers(7) ?? [])
            }
    }

    /// The users with these ids, or all, by rising id.
    func users(_ ids: [Int]? = nil) throws(DatabaseError) -> [User] {
        try rows(
            ids,
            """
            SELECT id, username, role, picture_url, CASE WHEN is_email_verified THEN nullif(email_address, '') END,
              projects_notifications FROM public.users WHERE id >= 1 ORDER BY id
            """,
            """
            SELECT id, username, role, picture_url, CASE WHEN is_email_verified THEN nullif(email_address, '') END,
              projects_notifications FROM public.users WHERE id = ANY($1::bigint[]) ORDER BY id
            """
        ).map { row in
            User(
                id: row.number(0) ?? 0, username: row.text(1),
                role: row.number(2).flatMap { Self.roles[$0] } ?? .mapper,
                pictureUrl: row.link(3, .logo), emailAddress: row.text(4), projectsNotifications: row.flag(5) ?? true)
        }
    }

    // MARK: -

    static let roles = [-1: Role.readOnly, 0: .mapper, 1: .admin]
    private static let types = [1: OrganisationType.free, 2: .discounted, 3: .fullFee]
    private static let statuses = [0: ProjectStatus.archived, 1: .published, 2: .draft]

    /// Of a project's teams count those with the role of a project manager (2), with their active members; contributors are
    /// whoever a task names as its mapper or validator.
    private static let project = """
        SELECT p.id,
          (SELECT name FROM public.project_info AS i WHERE i.project_id = p.id AND name <> ''
            ORDER BY coalesce(locale = p.default_locale, false) DESC, locale = 'en' DESC, locale LIMIT 1),
          (SELECT short_description FROM public.project_info AS i WHERE i.project_id = p.id AND short_description <> ''
            ORDER BY coalesce(locale = p.default_locale, false) DESC, locale = 'en' DESC, locale LIMIT 1),
          status, author_id, organisation_id,
          ARRAY(SELECT DISTINCT user_id FROM public.team_members JOIN public.project_teams AS t USING (team_id)
            WHERE t.project_id = p.id AND t.role = 2 AND active ORDER BY user_id),
          ARRAY(SELECT mapped_by FROM public.tasks WHERE project_id = p.id AND mapped_by IS NOT NULL
            UNION SELECT validated_by FROM public.tasks WHERE project_id = p.id AND validated_by IS NOT NULL ORDER BY 1),
          total_tasks, tasks_mapped, tasks_validated, tasks_bad_imagery
        FROM public.projects AS p
        """
    private static let ofIDs = "WHERE p.id = ANY($1::bigint[]) ORDER BY p.id"

    private func rows(_ ids: [Int]?, _ all: SQL, _ some: SQL) throws(DatabaseError) -> Rows {
        if let ids { try query(some, ids) } else { try query(all) }
    }

    /// By campaign, what is linked to it; the Tasking Manager's tables may hold rows with NULL.
    private func links(_ rows: Rows) -> [Int: [Int]] {
        var links: [Int: [Int]] = [:]
        for row in rows {
            guard let campaign = row.number(0), let other = row.number(1) else { continue }
            links[campaign, default: []].append(other)
        }
        return links
    }

    /// First those that have a place, then all others by rising id. Places of what is not linked any more do not count.
    private static func ordered(_ ids: [Int], by order: [Int]) -> [Int] {
        guard ids.count > 1, !order.isEmpty else { return ids }
        let linked = Set(ids)
        let first = order.filter { linked.contains($0) }
        return first + ids.filter { !first.contains($0) }
    }
}

extension Row {
    /// A link as the API would accept it; nil instead of one that it would not.
    fileprivate func link(_ column: Int, _ field: Link) -> String? {
        text(column).flatMap { (try? field.checked($0)) ?? nil }
    }

    /// How much of a project is done, as the Tasking Manager computes it: of the tasks that can be mapped, rounded down; 0 where
    /// there are none.
    ///
    /// - Parameter columns: those with the numbers of tasks that are so far.
    fileprivate func percent(_ columns: Int...) -> Int {
        func count(_ column: Int) -> Double { number(column).map(Double.init) ?? 0 }
        let whole = count(8) - count(11)
        guard whole != 0 else { return 0 }
        let percent = columns.reduce(0) { $0 + count($1) } / whole * 100
        return Int(exactly: percent.rounded(.towardZero)) ?? 0
    }
}
