extension Range<Int> {
    /// Where those begin, among numbers that are in order, of which something holds; the end when it holds of none.
    ///
    /// - Parameter holds: of a number; when of one, then of all behind it.
    public func partitioningIndex<Failure: Error>(
        where holds: (Int) throws(Failure) -> Bool
    ) throws(Failure) -> Int {
        var (low, high) = (lowerBound, upperBound)
        while low < high {
            let middle = low + (high - low) / 2
            if try holds(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

// For arrays whose numbers rise.
extension [Int] {
    /// Where a number stands, or would have to.
    public func insertionPoint(of number: Int) -> Int {
        guard let last, last >= number else { return count }
        return indices.partitioningIndex { self[$0] >= number }
    }

    public func containsSorted(_ number: Int) -> Bool {
        let place = insertionPoint(of: number)
        return place < count && self[place] == number
    }

    public mutating func insertSorted(_ number: Int) {
        let place = insertionPoint(of: number)
        if place == count || self[place] != number { insert(number, at: place) }
    }

    public mutating func removeSorted(_ number: Int) {
        let place = insertionPoint(of: number)
        if place < count, self[place] == number { remove(at: place) }
    }
}
