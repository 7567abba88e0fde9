// For arrays whose numbers rise.
extension [Int] {
    /// Where a number stands, or would have to.
    public func insertionPoint(of number: Int) -> Int {
        guard let last, last >= number else { return count }
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < number { low = middle + 1 } else { high = middle }
        }
        return low
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
