public import JSON

/// What a record holds besides the keys that are its own: notes, and whatever somebody else keeps there. Each stays where it
/// stands among the others.
public struct OtherMembers: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    /// Where a member stands, as seen from the record's own.
    private enum Place: Equatable {
        case first
        case after(String)
        case last
    }

    private var places: [Place] = []
    private var members: [JSONObject.Member] = []

    /// Members that stand behind the record's own.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        for (name, value) in elements { append(JSONObject.Member(name: name, value: value), .last) }
    }

    /// - Parameter known: the record's own keys.
    init(of object: JSONObject, besides known: [String]) {
        var place = Place.first
        for member in object.members {
            if known.contains(where: { $0.utf8.elementsEqual(member.name.utf8) }) {
                place = .after(member.name)
            } else {
                append(member, place)
            }
        }
        // What has none of the record's own behind it stays behind those that the record is going to get.
        for index in places.indices where places[index] == place { places[index] = .last }
    }

    /// Adds what only another version of the record has, where it stands there.
    public mutating func add(_ other: OtherMembers) {
        let names = Set(members.map { Array($0.name.utf8) })
        for (member, place) in zip(other.members, other.places) where !names.contains(Array(member.name.utf8)) {
            append(member, place)
        }
    }

    /// The record's own members, with these among them.
    func joined(with own: JSONObject) -> JSONObject {
        guard !members.isEmpty else { return own }
        var object = JSONObject()
        for member in these(.first) { object.append(member.name, member.value) }
        for member in own.members {
            object.append(member.name, member.value)
            for other in these(.after(member.name)) { object.append(other.name, other.value) }
        }
        for member in these(.last) { object.append(member.name, member.value) }
        return object
    }

    private mutating func append(_ member: JSONObject.Member, _ place: Place) {
        members.append(member)
        places.append(place)
    }

    private func these(_ place: Place) -> [JSONObject.Member] {
        zip(members, places).filter { $0.1 == place }.map(\.0)
    }
}
