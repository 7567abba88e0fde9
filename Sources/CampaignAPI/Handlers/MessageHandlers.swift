internal import CampaignStore
internal import Campaigns
internal import JSON

extension API {
    @Sendable static func messageContributors(_ call: Call) throws -> Answer {
        let id = call.id()
        guard let body = try? call.object(), case .string(let subject) = body["subject"],
            case .string(let text) = body["message"], !subject.trimmed().isEmpty, !text.trimmed().isEmpty
        else { throw Problem.invalid("Request payload did not match validation") }
        let sender = call.userID ?? 0
        let sentDate = UTC.now()
        try call.store.write { transaction in
            guard let campaign = try transaction.campaign(id) else { throw Problem.campaignNotFound(id) }
            let user = try transaction.user(sender)
            try transaction.addMessage(as: .message(to: campaign, by: sender)) { messageID in
                Message(
                    id: messageID, campaign: id, campaignName: campaign.name, sender: sender,
                    senderName: user?.username ?? "", senderPicture: user?.pictureUrl, subject: subject, text: text,
                    sentDate: sentDate, projects: campaign.projects)
            }
        }
        call.changed(.messageSent, campaign: id)
        call.api.configuration.messageSent()
        return Answer(["Success": "Message sent successfully"])
    }

    @Sendable static func listCampaignMessages(_ call: Call) throws -> Answer {
        let id = call.id()
        let (audience, sent) = try call.read { catalogue in
            guard let audience = try catalogue.audience(ofCampaign: id) else { throw Problem.campaignNotFound(id) }
            var sent: [(outline: Message, recipients: Int?)] = []
            for messageID in try catalogue.messageIDs().reversed() where sent.count < mostMessages {
                guard let outline = try catalogue.outline(ofMessage: messageID), outline.campaign == id else {
                    continue
                }
                sent.append((outline, try catalogue.recipientCount(ofMessage: messageID)))
            }
            return (audience, sent)
        }
        var recipients = Set(audience.contributors.joined()).subtracting(audience.unwilling)
        if let asker = call.userID { recipients.remove(asker) }
        // One after the other, for one that is long is read from its file.
        let shown: [JSONValue] = try sent.compactMap { outline, recipients in
            guard let message = try call.read({ try $0.message(outline.id) }) else { return nil }
            return [
                "messageId": .integer(message.id), "subject": .string(message.subject),
                "sentDate": .string(message.sentDate), "fromUsername": .string(message.senderName),
                "recipients": JSONValue(recipients), "delivered": .bool(recipients != nil),
            ]
        }
        return Answer(["recipients": .integer(recipients.count), "sent": .array(shown)])
    }

    /// How many of a campaign's messages are listed, at the most.
    private static let mostMessages = 100
}
