internal import Glibc

/// Where a database is, who asks for it, and how patiently: a connection string, understood
/// (https://www.postgresql.org/docs/current/libpq-connect.html, 34.1.1).
///
/// What it does not say comes from the environment (`PGPASSWORD` and the like) and from `~/.pgpass`, as for every program
/// with libpq. It has no description, for a password may be in it.
public struct ConnectionSettings: Sendable {
    /// What the database is used for; decides what holds where the string says nothing.
    public enum Purpose: Sendable {
        /// To serve requests: a server that can be written to; every statement ends soon, and is planned once.
        case service
        /// To change the schema: a server that can be written to.
        case administration
        /// To read all of it, which may take long; any server will do.
        case reading
    }

    /// One of the servers of the string.
    struct Place: Equatable {
        var host: String?
        var address: String?
        var port: String?

        var description: String {
            "\(host ?? address ?? "the default host")\(port.map { ":\($0)" } ?? "")"
        }
    }

    let places: [Place]
    /// What holds for all places, by libpq's keywords.
    let options: [String: String]
    /// How long one address may take.
    let connectTimeout: Duration
    let libpq: LibPQ

    /// - Parameter text: may also be what a Tasking Manager's own settings have: `postgres://`, or with a driver,
    ///   `postgresql+asyncpg://`.
    /// - Throws: ``DatabaseError/invalidConnectionString(_:)``, ``DatabaseError/noLibrary(_:)``.
    public init(_ text: String, for purpose: Purpose) throws(DatabaseError) {
        let text = try Self.plain(text)
        libpq = try LibPQ.load()
        let given = try Self.parse(text, libpq)
        var options = purpose.defaults.merging(given) { $1 }
        // What is in the string goes behind ours, and so before it.
        options["options"] = [purpose.sessionOptions, given["options"] ?? Self.environment("PGOPTIONS")].compactMap(
            \.self
        )
        .filter { !$0.isEmpty }.joined(separator: " ")
        if options["options"] == "" { options["options"] = nil }
        options["client_encoding"] = "UTF8"
        if purpose != .reading { options["target_session_attrs"] = "read-write" }
        guard let seconds = Int((options["connect_timeout"] ?? "").trimmingSpaces) else {
            throw .invalidConnectionString("connect_timeout in the connection string is not a number of seconds")
        }
        connectTimeout = seconds > 0 ? .seconds(min(seconds, 3600)) : .seconds(3600)
        // Hosts that a service file names are found by libpq alone, and so are its default ones.
        let (host, address) = (given["host"], given["hostaddr"])
        let isNamed = host != nil || address != nil || given["service"] != nil || Self.environment("PGSERVICE") != nil
        places = try Self.places(
            hosts: isNamed ? host : Self.environment("PGHOST"),
            addresses: isNamed ? address : Self.environment("PGHOSTADDR"),
            ports: given["port"] ?? (given["service"] == nil ? Self.environment("PGPORT") : nil))
        for keyword in ["host", "hostaddr", "port"] { options[keyword] = nil }
        self.options = options
    }

    /// Whether a text has the form of a connection string, be it one that means another kind of database.
    public static func isConnectionString(_ text: String) -> Bool {
        scheme(of: text) != nil || (text.contains("=") && access(text, F_OK) != 0)
    }

    /// A list of the string, such as `a,b,c`, for each place; one port is that of all.
    private static func places(
        hosts: String?, addresses: String?, ports: String?
    ) throws(DatabaseError) -> [Place] {
        func items(_ list: String?) -> [String] {
            list.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) } ?? []
        }
        let (hosts, addresses, ports) = (items(hosts), items(addresses), items(ports))
        let count = max(hosts.count, addresses.count, 1)
        guard [0, count].contains(hosts.count), [0, count].contains(addresses.count) else {
            throw .invalidConnectionString(
                "the connection string has \(hosts.count) hosts and \(addresses.count) addresses")
        }
        guard [0, 1, count].contains(ports.count) else {
            throw .invalidConnectionString("the connection string has \(count) hosts and \(ports.count) ports")
        }
        func item(_ list: [String], _ index: Int) -> String? {
            let item = list.count == 1 ? list.first : list.dropFirst(index).first
            return item?.isEmpty == false ? item : nil
        }
        return (0..<count).map { Place(host: item(hosts, $0), address: item(addresses, $0), port: item(ports, $0)) }
    }

    /// The keywords that a string gives a value.
    private static func parse(_ text: String, _ libpq: LibPQ) throws(DatabaseError) -> [String: String] {
        var complaint: UnsafeMutablePointer<CChar>?
        let list = libpq.conninfoParse(text, &complaint)
        // libpq's own words for a string that it cannot read would show the string.
        libpq.freemem(complaint)
        guard let list else {
            throw .invalidConnectionString(
                "the connection string cannot be understood; it has the form postgresql://USER@HOST/DATABASE, with "
                    + "special characters as %XX, or host=HOST user=USER dbname=DATABASE")
        }
        defer { libpq.conninfoFree(list) }
        // PQconninfoOption: keyword, envvar, compiled, val, label, dispchar, and dispsize, which is padded. The last one has
        // no keyword.
        let (size, value) = (7 * MemoryLayout<UnsafeRawPointer>.stride, 3 * MemoryLayout<UnsafeRawPointer>.stride)
        var values: [String: String] = [:]
        var option = list
        while let keyword = option.load(as: LibPQ.Text.self) {
            if let text = option.load(fromByteOffset: value, as: LibPQ.Text.self) {
                values[String(cString: keyword)] = String(cString: text)
            }
            option += size
        }
        return values
    }

    /// A string as libpq takes it. SQLAlchemy writes the driver behind the scheme, and `ssl` for libpq's `sslmode`.
    private static func plain(_ text: String) throws(DatabaseError) -> String {
        guard let scheme = scheme(of: text) else { return text }
        let kind = scheme.prefix { $0 != "+" }.lowercased()
        guard ["postgresql", "postgres"].contains(kind) else {
            throw .invalidConnectionString(
                "a Tasking Manager's database is a PostgreSQL, whose address begins with postgresql://")
        }
        let rest = text.dropFirst(scheme.count)
        guard scheme.contains("+"), let query = rest.firstIndex(of: "?") else { return "postgresql" + rest }
        let parameters = rest[rest.index(after: query)...].split(separator: "&").map { parameter in
            let value = parameter.hasPrefix("ssl=") ? parameter.dropFirst("ssl=".count) : nil
            return value.map { "sslmode=\($0.lowercased() == "true" ? "require" : $0)" } ?? String(parameter)
        }
        return "postgresql" + rest[...query] + parameters.joined(separator: "&")
    }

    /// What stands before `://`, where it can be a scheme (RFC 3986, 3.1).
    private static func scheme(of text: String) -> Substring? {
        guard let end = text.firstRange(of: "://")?.lowerBound, let first = text.first, first.isLetter,
            text[..<end].allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) })
        else { return nil }
        return text[..<end]
    }

    private static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
}

extension ConnectionSettings.Purpose {
    fileprivate var defaults: [String: String] {
        // A connection whose other end is gone is noticed within some seconds. One whose other end is frozen is not: for that
        // there are deadlines.
        let quick = [
            "connect_timeout": "2", "tcp_user_timeout": "4000", "keepalives_idle": "2", "keepalives_interval": "1",
            "keepalives_count": "2",
            // Looking for a Kerberos ticket may wait for others.
            "gssencmode": "disable",
        ]
        let patient = ["connect_timeout": "15"]
        return (self == .service ? quick : patient).merging(["fallback_application_name": "campaignd"]) { $1 }
    }

    fileprivate var sessionOptions: String? {
        switch self {
        case .service:
            // A statement is planned once, not anew for each value: that would cost the smallest most of their time.
            "-c plan_cache_mode=force_generic_plan -c statement_timeout=5s -c lock_timeout=3s "
                + "-c idle_in_transaction_session_timeout=10s"
        case .administration, .reading: nil
        }
    }
}

extension String {
    fileprivate var trimmingSpaces: Substring { drop { $0 == " " }.prefix { $0 != " " } }
}
