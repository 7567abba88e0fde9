/// How e-mails are sent, and what they say of the service.
public struct MailSettings: Sendable {
    /// `SENDMAIL`, such as `/usr/sbin/sendmail -t -i`; its words are separated by spaces. It gets the e-mail on standard input.
    public let command: String
    /// The address that the e-mails come from.
    public let from: String
    /// Where the Tasking Manager's web client is, without a slash at the end; nil: there is none to link to.
    public let appBaseURL: String?
    /// Where this service is, without a slash at the end, for links that begin with one.
    public let publicURL: String?

    public init(command: String, from: String, appBaseURL: String?, publicURL: String? = nil) {
        self.command = command
        self.from = from
        self.appBaseURL = appBaseURL
        self.publicURL = publicURL
    }

    /// Whether a text is an e-mail address that can be used.
    public static func isAddress(_ text: String) -> Bool { MailMessage.isAddress(text) }
}
