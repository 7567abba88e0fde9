internal import Campaigns
internal import FastCGI
internal import Logging
internal import Records
internal import Synchronization

/// The lines of the log that say who did what: one for each change that was accepted, each sign-in, and each time that a user
/// who is known was refused. Of tokens that are not good, which anybody can send, it says how many.
final class EventLog: Sendable {
    private let logger: Logger
    private let refusedTokens = Atomic(0)
    private let lastReport = Mutex(ContinuousClock.now)
    /// How often it says how many tokens were not good, while there are any.
    private static let rhythm = Duration.seconds(60)

    init(_ logger: Logger) {
        self.logger = logger
    }

    /// - Parameter campaign: whose change it is; nil where it is none's.
    func changed(_ action: String, by user: Int, campaign: Int?, _ request: Request) {
        var fields = metadata(user, request)
        fields["action"] = "\(action)"
        if let campaign { fields["campaign"] = "\(campaign)" }
        logger.notice("changed", metadata: fields)
    }

    func signedIn(_ user: Int, isNew: Bool, _ request: Request) {
        var fields = metadata(user, request)
        if isNew { fields["new"] = "true" }
        logger.notice("signed in", metadata: fields)
    }

    func refused(_ user: Int, _ route: Route, _ request: Request) {
        var fields = metadata(user, request)
        fields["route"] = "\(route.name)"
        logger.notice("refused", metadata: fields)
    }

    private func metadata(_ user: Int, _ request: Request) -> Logger.Metadata {
        ["user": "\(user)", "request": "\(request.id.text)"]
    }

    func tokenRefused() { refusedTokens.add(1, ordering: .relaxed) }

    /// Says how many tokens were not good since it last said so, when it is time to.
    func report(isEnd: Bool) {
        let isTime = lastReport.withLock { last in
            guard isEnd || .now - last >= Self.rhythm else { return false }
            last = .now
            return true
        }
        guard isTime else { return }
        let count = refusedTokens.exchange(0, ordering: .relaxed)
        if count > 0 { logger.notice("tokens were refused", metadata: ["count": "\(count)"]) }
    }
}

extension Call {
    /// Says that a campaign was changed, in the log and in the numbers.
    func changed(_ action: ChangeEntry.Action, campaign: Int) {
        api.events.changed(action.rawValue, by: userID ?? 0, campaign: campaign, request)
        api.metrics.count(action)
    }

    /// Says that something else was changed, in the log.
    func changed(_ action: String) { api.events.changed(action, by: userID ?? 0, campaign: nil, request) }

    /// Says that a user has signed in, in the log.
    ///
    /// - Parameter isNew: whether it was for the first time.
    func signedIn(_ user: Int, isNew: Bool) { api.events.signedIn(user, isNew: isNew, request) }
}
