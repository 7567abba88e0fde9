internal import Campaigns
internal import HTTPTypes
internal import JSON
internal import Records

extension API {
    @Sendable static func getUser(_ call: Call) throws -> Answer {
        let id = call.id()
        guard let user = try call.read({ try $0.user(id) }) else { throw Problem.userNotFound(id) }
        return Answer(user.json(isOwn: id == call.userID))
    }

    @Sendable static func getUserByName(_ call: Call) throws -> Answer {
        guard let user = try call.users().user(named: call.text) else { throw Problem.userNotFound(named: call.text) }
        return Answer(user.json(isOwn: user.id == call.userID))
    }

    @Sendable static func findUsers(_ call: Call) throws -> Answer {
        let query = try PageQuery(call.query, pageSize: 20)
        let names = try call.users().names(beginningWith: call.text)
        guard !names.isEmpty else { throw Problem.userNotFound(named: call.text) }
        let page = Page(query, total: names.count)
        let shown = names[page.range]
        return Answer([
            "pagination": page.json, "usernames": .array(shown.map { .string($0) }),
            "users": .array(shown.map { ["username": .string($0), "projectId": .null, "isParticipant": .null] }),
        ])
    }

    @Sendable static func changeOwnUser(_ call: Call) throws -> Answer {
        let id = call.userID ?? 0
        let wish: Bool? =
            switch try call.object()["projectsNotifications"] {
            case nil: nil
            case .bool(let wish): wish
            case .some(let value):
                throw Problem.invalid("projectsNotifications must be true or false, not \(value.kind)")
            }
        if let wish {
            let isChanged = try call.store.write { writer in
                // It may have gone since the right was checked.
                guard var user = try writer.user(id) else { throw Problem.withoutRecord }
                guard user.projectsNotifications != wish else { return false }
                user.projectsNotifications = wish
                try writer.put(user)
                return true
            }
            if isChanged { call.changed("wish-changed") }
        }
        return Answer(["verificationEmailSent": false])
    }
}
