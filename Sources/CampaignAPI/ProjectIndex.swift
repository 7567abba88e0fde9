internal import Campaigns
internal import Records

/// The projects, by rising id, with what searches look at. A project is told by its place.
struct ProjectIndex: Sendable {
    let projects: [Project]
    /// The places of those that everybody may see.
    let published: [Int]
    private let names: [FoldedText]
    private let places: [Int: Int]
    private let ofOrganisation: [Int: [Int]]

    /// - Parameter projects: by rising id.
    init(_ projects: [Project]) {
        self.projects = projects
        published = projects.indices.filter { projects[$0].isPublished }
        names = projects.map { FoldedText($0.name ?? "") }
        places = Dictionary(projects.enumerated().map { ($1.id, $0) }) { first, _ in first }
        ofOrganisation = Dictionary(grouping: projects.indices.filter { projects[$0].organisation != nil }) {
            projects[$0].organisation ?? 0
        }
    }

    /// The places of projects, rising.
    func places(of ids: Set<Int>) -> [Int] { ids.compactMap { places[$0] }.sorted() }

    /// The places of the projects of some organisations, rising.
    func places(ofOrganisations ids: [Int]) -> [Int] { ids.flatMap { ofOrganisation[$0] ?? [] }.sorted() }

    /// Whether the name of the project at a place has a text, or the text is its id.
    func project(_ place: Int, matches text: FoldedText, id: Int?) -> Bool {
        projects[place].id == id || names[place].contains(text)
    }
}

extension Project {
    /// Whether everybody may see it.
    var isPublished: Bool { status == nil || status == .published }
}

extension Call {
    /// All projects.
    ///
    /// - Throws: as ``Kept/value(_:of:_:)``.
    func projects() throws -> ProjectIndex {
        try api.projects.value(self, of: { try $0.allProjects() }, ProjectIndex.init)
    }
}
