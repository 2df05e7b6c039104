/// Random identifiers of streams.
package enum StreamIdentifier {
    /// 128 random bits as 22 characters of base64url, as Kafka writes topic ids.
    package static func random() -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        var generator = SystemRandomNumberGenerator()
        // The last character stands for two bits only: A, Q, g or w.
        // Kafka's tools read a leading '-' as an option, so the first is a letter or a digit.
        let body = (0..<21).map { alphabet[Int.random(in: 0..<($0 == 0 ? 62 : 64), using: &generator)] }
        return String(body + [alphabet[Int.random(in: 0..<4, using: &generator) * 16]])
    }
}
