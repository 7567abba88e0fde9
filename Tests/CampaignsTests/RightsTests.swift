import Campaigns
import Testing

/// What a user may be to a project and its organisation.
private struct Ties: Sendable, CustomTestStringConvertible {
    let role: Role
    let isAuthor: Bool
    let managesProject: Bool
    /// nil: the project has no organisation, or one that does not exist.
    let managesOrganisation: Bool?

    var testDescription: String {
        "\(role.rawValue) author \(isAuthor) project \(managesProject) organisation "
            + (managesOrganisation.map { "\($0)" } ?? "none")
    }

    var isManagerOfProject: Bool { role == .admin || isAuthor || managesProject || managesOrganisation == true }

    static let all: [Ties] = Role.allCases.flatMap { role in
        [false, true].flatMap { isAuthor in
            [false, true].flatMap { managesProject in
                [nil, false, true].map { managesOrganisation in
                    Ties(
                        role: role, isAuthor: isAuthor, managesProject: managesProject,
                        managesOrganisation: managesOrganisation)
                }
            }
        }
    }
}

@Test(
    "a project is managed by admins, its author, its managers and those of its organisation", arguments: Ties.all)
private func managesProject(ties: Ties) {
    let user = User(id: 7, username: "a", role: ties.role)
    let project = Project(
        id: 1, name: "p", author: ties.isAuthor ? 7 : 8, organisation: 3, managers: ties.managesProject ? [8, 7] : [8])
    let organisation = ties.managesOrganisation.map { Organisation(id: 3, name: "o", managers: $0 ? [9, 7] : [9]) }
    #expect(user.manages(project, of: organisation) == ties.isManagerOfProject)
}

@Test("contributing to a project is no right to it")
func contributor() {
    let project = Project(id: 1, name: "p", author: nil, contributors: [7])
    #expect(!User(id: 7, username: "a").manages(project, of: nil))
}

@Test("a project without an author is not everybody's")
func noAuthor() {
    #expect(!User(id: 7, username: "a").manages(Project(id: 1, name: "p"), of: nil))
}

@Test("an organisation is managed by admins and its managers", arguments: Role.allCases, [false, true])
func managesOrganisation(role: Role, isManager: Bool) {
    let user = User(id: 7, username: "a", role: role)
    let organisation = Organisation(id: 3, name: "o", managers: isManager ? [7] : [8])
    #expect(user.manages(organisation) == (role == .admin || isManager))
}
