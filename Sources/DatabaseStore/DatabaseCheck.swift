internal import Campaigns
public import PostgreSQL

/// Looks through a database for what is wrong with it.
public struct DatabaseCheck {
    private let connection: DatabaseConnection
    private var problems: [String] = []
    private var notes: [String] = []

    /// What there is in a database.
    public struct Findings: Sendable {
        public let campaigns: Int
        public let organisations: Int
        /// What is wrong, each as a line.
        public let problems: [String]
        /// What may be meant so, and is dangerous.
        public let notes: [String]
    }

    ///
    /// Reads the whole database, as it is at one moment.
    ///
    /// - Parameter role: that of the responders.
    /// - Throws: ``Installation/Refusal/unsuitable(_:)`` when it is not the database of a Tasking Manager, ``DatabaseError``.
    public static func run(_ connection: DatabaseConnection, role: String) throws -> Findings {
        var check = DatabaseCheck(connection: connection)
        return try connection.transaction(.snapshot) {
            try Installation.refuseOther(connection)
            try check.checkServer()
            try check.checkInstallation(role)
            try check.checkLinks()
            let campaigns = try check.checkCampaigns()
            let organisations = try check.checkOrganisations()
            try check.checkUsers()
            return Findings(
                campaigns: campaigns, organisations: organisations, problems: check.problems, notes: check.notes)
        }
    }

    private init(connection: DatabaseConnection) {
        self.connection = connection
    }

    private mutating func report(_ problem: String) { problems.append(problem) }

    // MARK: The server

    private mutating func checkServer() throws(DatabaseError) {
        let row = try connection.execute(
            """
            SELECT current_setting('server_version_num'), current_setting('server_version'), current_setting('server_encoding'),
              current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit')
            """
        ).first
        guard let row else { return }
        if row.number(0).map({ $0 < 140_000 }) ?? true {
            report("the server is PostgreSQL \(row.text(1) ?? ""), and 14 or newer is needed")
        }
        if row.text(2) != "UTF8" { report("the database is encoded in \(row.text(2) ?? ""), and UTF8 is needed") }
        if row.text(3) == "off" || row.text(4) == "off" {
            notes.append("fsync or full_page_writes is off: a power cut may destroy the database")
        }
        if row.text(5) == "off" {
            notes.append("synchronous_commit is off: a change that was answered may be lost in a power cut")
        }
    }

    private mutating func checkInstallation(_ role: String) throws(DatabaseError) {
        let installation = Installation(connection, role: role)
        let tables = try installation.lacks(.tables)
        guard tables != ["the schema campaignd is not there"] else {
            return report("the schema campaignd is not there; 'campaignd database install' makes it")
        }
        problems += tables
        for step in [Installation.Step.triggers, .rights, .index] {
            problems += try installation.lacks(step)
        }
    }

    // MARK: The records

    private mutating func checkLinks() throws(DatabaseError) {
        let doubled = try connection.execute(
            """
            SELECT campaign_id, project_id, count(*) FROM public.campaign_projects
            WHERE campaign_id IS NOT NULL AND project_id IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1 ORDER BY 1, 2
            """)
        for row in doubled {
            report(
                "campaign \(row.number(0) ?? 0): the link to project \(row.number(1) ?? 0) is there \(row.number(2) ?? 0) times"
            )
        }
        for (table, other) in [("campaign_projects", "project"), ("campaign_organisations", "organisation")] {
            let count = try connection.execute(
                SQL(
                    composed: "SELECT count(*) FROM public.\(table) WHERE campaign_id IS NULL OR \(other)_id IS NULL")
            ).first?.number(0)
            if let count, count > 0 {
                report(
                    "\(table): \(count) \(count == 1 ? "row is" : "rows are") without a campaign or without \(other)")
            }
        }
    }

    private mutating func checkCampaigns() throws(DatabaseError) -> Int {
        let rows = try connection.execute("SELECT id, name, logo, url FROM public.campaigns ORDER BY id")
        var names = Names("campaign", "name")
        for row in rows {
            let id = row.number(0) ?? 0
            if id < 1 { report("campaign \(id): ids start at 1") }
            names.add(id, row.text(1))
            for (link, text) in [(Link.logo, row.text(2)), (.url, row.text(3))] {
                guard let text else { continue }
                do {
                    _ = try link.checked(text)
                } catch {
                    report("campaign \(id): \(error)")
                }
            }
        }
        problems += names.problems
        return rows.count
    }

    private mutating func checkOrganisations() throws(DatabaseError) -> Int {
        let rows = try connection.execute("SELECT id, name, slug FROM public.organisations ORDER BY id")
        var (names, slugs) = (Names("organisation", "name"), Names("organisation", "slug", hasRules: false))
        for row in rows {
            names.add(row.number(0) ?? 0, row.text(1))
            slugs.add(row.number(0) ?? 0, row.text(2))
        }
        problems += names.problems + slugs.problems
        return rows.count
    }

    /// The server compares them: there may be very many.
    private mutating func checkUsers() throws(DatabaseError) {
        guard try connection.execute("SHOW server_encoding").first?.text(0) == "UTF8" else { return }
        let rows = try connection.execute(
            """
            SELECT min(id), max(id) FROM public.users WHERE username <> ''
            GROUP BY normalize(username, NFC) HAVING count(*) > 1 ORDER BY 1
            """)
        for row in rows {
            report(
                "user \(row.number(1) ?? 0): the username differs from that of user \(row.number(0) ?? 0) in form alone"
            )
        }
    }
}

/// The names of one kind of record, by rising id. Of those that are the same to a person's eye the first counts.
private struct Names {
    private let kind: String
    private let key: String
    private let hasRules: Bool
    private var owners: [String: Int] = [:]
    private(set) var problems: [String] = []

    /// - Parameter hasRules: whether the API has rules for it, or it only has to be another one than the others.
    init(_ kind: String, _ key: String, hasRules: Bool = true) {
        self.kind = kind
        self.key = key
        self.hasRules = hasRules
    }

    mutating func add(_ id: Int, _ name: String?) {
        guard let name else { return }
        let plain = name.trimmedName()
        if hasRules {
            do {
                // By their bytes: to Swift, texts are equal that differ in form alone.
                guard try Name.checked(name, key).utf8.elementsEqual(name.utf8) else {
                    throw InvalidField(key, "has white space, or what cannot be seen, at an end")
                }
            } catch {
                problems.append("\(kind) \(id): \(error)")
            }
        }
        guard !plain.isEmpty else { return }
        if let owner = owners[plain] {
            problems.append("\(kind) \(id): the \(key) differs from that of \(kind) \(owner) in form alone")
        } else {
            owners[plain] = id
        }
    }
}
