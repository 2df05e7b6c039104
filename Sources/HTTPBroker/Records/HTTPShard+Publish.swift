import HTTPWire
import MQTTWire
import SluiceCore
import TopicRouting

/// `POST /v1/publish/{topic}`: a message as an MQTT client would publish it.
extension HTTPShard {
    func publishMessage(_ exchange: Exchange) {
        guard let session = exchange.session else { return }
        let topic = Array((exchange.captures["topic"] ?? "").utf8)
        do throws(TopicSyntaxError) {
            try FilterSyntax.check(topic: topic.span, limits: settings.limits)
        } catch {
            return exchange.fail(.badRequest, "topic '\(exchange.captures["topic"] ?? "")': \(error)")
        }
        let retain: Bool
        switch exchange.head.parameter("retain") {
        case nil, "false": retain = false
        case "true": retain = true
        case let other?: return exchange.fail(.badRequest, "retain '\(other)': expected true or false")
        }
        guard !topic.starts(with: Array("$".utf8)) else {
            return exchange.fail(.forbidden, "topics that begin with $ are the broker's own")
        }
        let properties = PropertyWriter.bytes { buffer in
            guard let type = exchange.head.field("content-type"), !Self.plainTypes.contains(type) else { return }
            PropertyWriter.append(.contentType, Array(type.utf8).span, to: &buffer)
        }
        session.publish(topic, exchange.body, retain: retain, properties: properties) { code, words in
            guard code.isFailure else { return exchange.respond(empty: .noContent) }
            exchange.fail(Self.fault(of: code, words, "the message is not taken"))
        }
    }

    /// What clients say of a body of which they know nothing.
    private static let plainTypes: Set<String> = ["application/octet-stream", "application/x-www-form-urlencoded"]

    /// What a refusal of the broker is in HTTP.
    static func fault(of code: ReasonCode, _ words: String?, _ what: String) -> HTTPFault {
        let status: HTTPStatus =
            switch code {
            case .notAuthorized: .forbidden
            case .topicNameInvalid, .topicFilterInvalid: .badRequest
            case .payloadFormatInvalid: .unprocessableContent
            case .packetTooLarge: .contentTooLarge
            case .quotaExceeded: .insufficientStorage
            case .messageRateTooHigh: .tooManyRequests
            case _: .unavailable
            }
        return HTTPFault(status, "\(what): \(words ?? "reason \(code.rawValue)")")
    }
}
