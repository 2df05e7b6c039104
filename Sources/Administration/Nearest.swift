/// Finds what was probably meant.
package enum Nearest {
    /// `; did you mean …?`, or nothing when no candidate is near.
    package static func advice(for word: String, among candidates: [String]) -> String {
        let distances = candidates.map { (word: $0, distance: distance(Array(word.utf8), Array($0.utf8))) }
        guard let best = distances.min(by: { $0.distance < $1.distance }), best.distance <= max(2, word.utf8.count / 3)
        else { return "" }
        return "; did you mean '\(best.word)'?"
    }

    /// Letters to insert, delete or replace.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        guard left.count <= 64 else { return .max }
        var last = Array(0...right.count)
        for (row, letter) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                let replaced = last[column] + (letter == other ? 0 : 1)
                current.append(min(replaced, last[column + 1] + 1, current[column] + 1))
            }
            last = current
        }
        return last[right.count]
    }
}
