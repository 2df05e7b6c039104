import Checksums
import Dashboard
import HTTPWire

/// The page to look at: files that are part of the program.
enum AssetEndpoints {
    static let all: [Endpoint] = [
        Endpoint("GET", "/", "The page to look at.", answer: "text/html", needsSession: false) {
            send("index.html", $1)
        },
        Endpoint("GET", "/assets/{name}", "A file of the page.", answer: "text/css", needsSession: false) {
            send($1.captures["name"] ?? "", $1)
        },
    ]

    /// Nothing comes from elsewhere, nothing is sent elsewhere, and nobody puts the page into a frame.
    ///
    /// Source: https://www.w3.org/TR/CSP3/
    private static let policy = [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'",
        "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
    ].joined(separator: "; ")

    private static func send(_ name: String, _ exchange: Exchange) {
        guard let file = Dashboard.files.first(where: { $0.name == name }) else {
            return exchange.fail(.notFound, "the page has no file '\(name)'")
        }
        let tag = "\"\(String(XXH3.hash(file.bytes.span), radix: 16))\""
        let fields = [
            ("ETag", tag), ("Content-Security-Policy", policy), ("Referrer-Policy", "no-referrer"),
        ]
        guard exchange.head.field("if-none-match") != tag else {
            return exchange.respond(empty: .notModified, fields: fields)
        }
        exchange.respond(.ok, file.type, file.bytes, fields: fields, mayBeKept: true)
    }
}
