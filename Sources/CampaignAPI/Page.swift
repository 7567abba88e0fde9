internal import JSON

/// The page of a list that a client asks for (`page` and `pageSize`).
struct PageQuery: Sendable {
    let page: Int
    let pageSize: Int

    /// - Parameters:
    ///   - pageSize: items on a page when the query does not say.
    ///   - largest: the most that the query may ask for; nil: the query has no say.
    /// - Throws: ``Problem`` 400.
    init(_ query: Query, pageSize: Int, largest: Int? = nil) throws(Problem) {
        page = try query.number("page") ?? 1
        if let largest {
            self.pageSize = min(try query.number("pageSize") ?? pageSize, largest)
        } else {
            self.pageSize = pageSize
        }
    }
}

/// Where a page stands among the others.
struct Page: Sendable {
    private let page: Int
    private let perPage: Int
    private let total: Int
    private let pages: Int
    /// The places of what is on it; none when it is past the end.
    let range: Range<Int>

    /// - Parameter total: how many items all pages have.
    init(_ query: PageQuery, total: Int) {
        page = query.page
        perPage = query.pageSize
        self.total = total
        pages = (total + perPage - 1) / perPage
        let start = page <= pages ? (page - 1) * perPage : total
        range = start..<min(start + perPage, total)
    }

    var json: JSONValue {
        [
            "hasNext": .bool(page < pages), "hasPrev": .bool(page > 1),
            "nextNum": page < pages ? .integer(page + 1) : .null,
            "page": .integer(page), "pages": .integer(pages), "prevNum": page > 1 ? .integer(page - 1) : .null,
            "perPage": .integer(perPage), "total": .integer(total),
        ]
    }
}
