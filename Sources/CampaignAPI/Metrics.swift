internal import Campaigns
internal import FastCGI
internal import HTTPTypes
internal import JSON
internal import Records
internal import Synchronization
internal import Threads

/// What Prometheus asks for: requests by route and status, how long they took, and changes. Counting takes no lock.
final class Metrics: Sendable {
    private final class Counter: Sendable {
        private let value = Atomic(0)
        func add(_ count: Int = 1) { value.add(count, ordering: .relaxed) }
        var now: Int { value.load(ordering: .relaxed) }
    }

    private struct Line: Sendable {
        let name: String
        let statuses = Metrics.statuses.map { _ in Counter() }
        let buckets = Metrics.bounds.map { _ in Counter() }
        let sum = Counter()
    }

    /// Those that are answered; the last stands for all others.
    private static let statuses = [
        200, 304, 201, 204, 400, 401, 403, 404, 405, 409, 412, 413, 502, 503, 500,
    ]
    /// Seconds, and as nanoseconds; the last is without a bound.
    private static let bounds: [(text: String, nanoseconds: Int)] = [
        ("0.0001", 100_000), ("0.001", 1_000_000), ("0.01", 10_000_000), ("0.1", 100_000_000), ("0.5", 500_000_000),
        ("1", 1_000_000_000), ("2.5", 2_500_000_000), ("5", 5_000_000_000), ("10", 10_000_000_000), ("+Inf", .max),
    ]

    /// By the routes' numbers, and behind them what has none.
    private let lines: [Line]
    private let changes = ChangeEntry.Action.allCases.map { (action: $0, count: Counter()) }

    init(_ routes: [Route]) {
        lines = routes.map { Line(name: $0.name) } + [Line(name: "none")]
    }

    /// Counts an answer.
    ///
    /// - Parameters:
    ///   - route: its number; nil: the request has none.
    ///   - received: when the request came, as ``Uptime`` has it.
    func count(_ route: Int?, _ status: Int, since received: Int) {
        let number = route ?? lines.count - 1
        guard lines.indices.contains(number) else { return }
        let line = lines[number]
        let time = max(0, Uptime.now() - received)
        line.statuses[Self.statuses.firstIndex(of: status) ?? Self.statuses.count - 1].add()
        line.buckets[Self.bounds.firstIndex { time <= $0.nanoseconds } ?? Self.bounds.count - 1].add()
        line.sum.add(time)
    }

    func count(_ action: ChangeEntry.Action) { changes.first { $0.action == action }?.count.add() }

    // MARK: The text

    static let mediaType = "text/plain; version=0.0.4"

    /// All of it in Prometheus' text format.
    func text(_ measures: Measures, isHealthy: Bool) -> [UInt8] {
        var text = ""
        func head(_ name: String, _ type: String, _ help: String) {
            text += "# HELP campaignd_\(name) \(help)\n# TYPE campaignd_\(name) \(type)\n"
        }
        head("requests_total", "counter", "Requests that were answered.")
        for line in lines {
            for (status, count) in zip(Self.statuses, line.statuses) where count.now > 0 {
                text += "campaignd_requests_total{route=\"\(line.name)\",status=\"\(status)\"} \(count.now)\n"
            }
        }
        head("request_duration_seconds", "histogram", "From a request's arrival to its answer.")
        for line in lines {
            let counts = line.buckets.map(\.now)
            guard counts.contains(where: { $0 > 0 }) else { continue }
            var total = 0
            for (bound, count) in zip(Self.bounds, counts) {
                total += count
                text +=
                    "campaignd_request_duration_seconds_bucket{route=\"\(line.name)\",le=\"\(bound.text)\"} \(total)\n"
            }
            text += "campaignd_request_duration_seconds_sum{route=\"\(line.name)\"} \(Double(line.sum.now) / 1e9)\n"
            text += "campaignd_request_duration_seconds_count{route=\"\(line.name)\"} \(total)\n"
        }
        head("changes_total", "counter", "Changes of campaigns that this process has made.")
        for (action, count) in changes {
            text += "campaignd_changes_total{action=\"\(action.rawValue)\"} \(count.now)\n"
        }
        for (name, value, help) in [
            ("campaigns", measures.campaigns, "Campaigns that there are."),
            ("kept_bytes", measures.keptBytes, "Bytes of texts that are kept in memory."),
            ("journal_bytes", measures.journalBytes, "Length of the journal."),
            ("deliveries_waiting", measures.waitingDeliveries, "Messages that wait for their delivery."),
            ("emails_waiting", measures.waitingMails, "E-mails that wait to be sent, or sent again."),
            ("broken_records", measures.broken, "Records that cannot be read."),
            ("healthy", isHealthy ? 1 : 0, "Whether changes can be made."),
        ] {
            head(name, "gauge", help)
            text += "campaignd_\(name) \(value)\n"
        }
        return Array(text.utf8)
    }
}

extension API {
    /// For who can reach the service's socket. A web server that says for whom it asks is somebody else's way here.
    @Sendable static func metrics(_ call: Call) throws -> Answer {
        // It may look at files.
        guard call.waits else { throw WouldWait() }
        guard !call.request.isForwarded else { throw Problem.notFound }
        let isHealthy = call.store.health().trouble == nil
        var answer = Answer(body: call.api.metrics.text(try Measures(of: call.store), isHealthy: isHealthy))
        answer.headerFields[.contentType] = Metrics.mediaType
        return answer
    }
}
