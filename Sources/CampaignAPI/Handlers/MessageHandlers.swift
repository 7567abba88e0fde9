internal import Campaigns
internal import JSON
internal import Records

extension API {
    @Sendable static func messageContributors(_ call: Call) throws -> Answer {
        let id = call.id()
        guard let body = try? call.object(), case .string(let subject) = body["subject"],
            case .string(let text) = body["message"], !subject.trimmed().isEmpty, !text.trimmed().isEmpty
        else { throw Problem.invalid("Request payload did not match validation") }
        let sender = call.userID ?? 0
        let sentDate = UTC.now()
        try call.store.write { writer in
            guard let campaign = try writer.campaign(id) else { throw Problem.campaignNotFound(id) }
            let user = try writer.user(sender)
            try writer.addMessage(as: .message(to: campaign, by: sender)) { messageID in
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
        let (audience, sent) = try call.read { records in
            guard let audience = try records.audience(ofCampaign: id) else { throw Problem.campaignNotFound(id) }
            var sent: [(outline: Message, recipients: Int?)] = []
            for messageID in try records.messageIDs().reversed() where sent.count < mostMessages {
                guard let outline = try records.outline(ofMessage: messageID), outline.campaign == id else {
                    continue
                }
                sent.append((outline, try records.recipientCount(ofMessage: messageID)))
            }
            return (audience, sent)
        }
        let recipients = audience.recipients(besides: call.userID ?? 0)
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

    /// How many of a campaign's messages are listed, at most.
    private static let mostMessages = 100
}
