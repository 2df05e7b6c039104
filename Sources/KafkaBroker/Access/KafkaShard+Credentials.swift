import AccessControl
import KafkaWire
import LogInterface
import RecordFormat
import SluiceCore
import Speaking

/// Credentials of SCRAM that clients set: beside those of the password file, and in front of them.
///
/// Source: KIP-554.
extension KafkaShard {
    /// Kafka's numbers of mechanisms.
    private static func mechanism(_ number: Int8) -> ScramMechanism? {
        switch number {
        case 1: .sha256
        case 2: .sha512
        case _: nil
        }
    }

    private static func number(_ mechanism: ScramMechanism) -> Int8 {
        switch mechanism {
        case .sha256: 1
        case .sha512: 2
        }
    }

    func describeCredentials(_ request: DescribeUserScramCredentialsRequest, _ call: KafkaCall) {
        typealias Described = DescribeUserScramCredentialsResponse.DescribeUserScramCredentialsResult
        guard mayAdminister(call) else {
            return answer(
                call,
                DescribeUserScramCredentialsResponse(
                    errorCode: .clusterAuthorizationFailed, errorMessage: "Not authorized."))
        }
        let known = settings.access?.scramUsers(call.connection.peer.listener) ?? [:]
        let all = known.keys.map { String(decoding: $0, as: UTF8.self) }.sorted()
        let wanted = (request.users ?? []).map(\.name)
        let repeated = Set(Dictionary(grouping: wanted, by: \.self).filter { $0.value.count > 1 }.keys)
        var response = DescribeUserScramCredentialsResponse()
        response.results = (wanted.isEmpty ? all : Array(Set(wanted)).sorted()).map { name in
            if repeated.contains(name) {
                return Described(
                    user: name, errorCode: .duplicateResource,
                    errorMessage: "The request names the user more than once.")
            }
            guard let mechanisms = known[Array(name.utf8)] else {
                return Described(
                    user: name, errorCode: .resourceNotFound, errorMessage: "The user has no credential of SCRAM.")
            }
            return Described(
                user: name,
                credentialInfos: mechanisms.map {
                    DescribeUserScramCredentialsResponse.CredentialInfo(
                        mechanism: Self.number($0.key), iterations: Int32(clamping: $0.value))
                }.sorted { $0.mechanism < $1.mechanism })
        }
        answer(call, response)
    }

    /// A change that is on its way to the log.
    private struct Change {
        let user: [UInt8]
        let mechanism: ScramMechanism
        let credential: ScramCredential?
    }

    func alterCredentials(_ request: AlterUserScramCredentialsRequest, _ call: KafkaCall) {
        typealias Altered = AlterUserScramCredentialsResponse.AlterUserScramCredentialsResult
        let names = request.deletions.map(\.name) + request.upsertions.map(\.name)
        var results = Dictionary(names.map { ($0, Altered(user: $0)) }) { first, _ in first }
        func refuse(_ name: String, _ code: KafkaErrorCode, _ words: String) {
            results[name] = Altered(user: name, errorCode: code, errorMessage: words)
        }
        var changes: [(name: String, change: Change)] = []
        let asked =
            request.deletions.map { "\($0.mechanism)\($0.name)" }
            + request.upsertions.map { "\($0.mechanism)\($0.name)" }
        let repeated = Set(Dictionary(grouping: asked, by: \.self).filter { $0.value.count > 1 }.keys)
        func take(_ name: String, _ number: Int8, _ body: (ScramMechanism, any KafkaAdmission) -> ScramCredential??) {
            guard mayAdminister(call), let access = settings.access else {
                return refuse(name, .clusterAuthorizationFailed, "Not authorized.")
            }
            guard !name.isEmpty else { return refuse(name, .unacceptableCredential, "A user has a name.") }
            guard let mechanism = Self.mechanism(number) else {
                return refuse(name, .unsupportedSaslMechanism, "There is no mechanism \(number).")
            }
            guard !repeated.contains("\(number)\(name)") else {
                return refuse(name, .duplicateResource, "The request changes the same credential more than once.")
            }
            guard let credential = body(mechanism, access) else { return }
            changes.append((name, Change(user: Array(name.utf8), mechanism: mechanism, credential: credential)))
        }
        for deletion in request.deletions {
            take(deletion.name, deletion.mechanism) { mechanism, access in
                guard access.hasSet(Array(deletion.name.utf8), mechanism) else {
                    refuse(deletion.name, .resourceNotFound, "No client has set such a credential of the user.")
                    return nil
                }
                return .some(nil)
            }
        }
        for upsertion in request.upsertions {
            take(upsertion.name, upsertion.mechanism) { mechanism, access in
                if let fault = Self.fault(of: upsertion, mechanism) {
                    refuse(upsertion.name, .unacceptableCredential, fault)
                    return nil
                }
                return access.credential(
                    saltedPassword: upsertion.saltedPassword, salt: upsertion.salt,
                    iterations: Int(upsertion.iterations), mechanism)
            }
        }
        // Of a user who is refused something nothing is changed.
        let accepted = changes.filter { results[$0.name]?.errorCode == KafkaErrorCode.none }
        func respond() {
            answer(call, AlterUserScramCredentialsResponse(results: results.values.sorted { $0.user < $1.user }))
        }
        guard !accepted.isEmpty else { return respond() }
        store(accepted.map(\.change)) { [unowned self] outcome in
            for (name, change) in accepted {
                if outcome == .stored {
                    settings.access?.set(change.credential, of: change.user, change.mechanism)
                    let done = change.credential == nil ? "deleted" : "set"
                    report(
                        .kafkaCredentialChanged,
                        "a credential of user '\(name, as: .user)' was \(done, as: .kind) for \(call.connection.label)")
                } else {
                    refuse(name, .kafkaStorageError, "The change cannot be stored.")
                }
            }
            respond()
        }
    }

    /// Why a credential cannot be kept; nil when it can. The most iterations are Kafka's.
    private static func fault(
        of upsertion: AlterUserScramCredentialsRequest.ScramCredentialUpsertion, _ mechanism: ScramMechanism
    ) -> String? {
        guard (ScramCredential.iterationsRange.lowerBound...16_384).contains(Int(upsertion.iterations)) else {
            return "4096 to 16384 iterations are possible."
        }
        let isWhole =
            (1...64).contains(upsertion.salt.count) && upsertion.saltedPassword.count == mechanism.hash.byteCount
        return isWhole ? nil : "The salt or the password has a wrong length."
    }

    private func store(_ changes: [Change], _ body: @escaping (Settlement.Outcome) -> Void) {
        guard let partition = internalPartition(ProducerNumbers.stream) else { return body(.refused(.failed)) }
        var builder = RecordBatchBuilder()
        let headers = RecordFields.headers([])
        for change in changes {
            let key = RecordFields.key(ScramRecord.key(change.user, change.mechanism))
            if let credential = change.credential {
                let value = ScramRecord.value(credential, change.mechanism)
                builder.append(at: wallClock, keyField: key.span, value: value.span, headersField: headers.span)
            } else {
                builder.appendTombstone(at: wallClock, keyField: key.span, headersField: headers.span)
            }
        }
        let append = Append(partition: partition, batch: builder.finish(), isAwaited: true, topicHashes: nil)
        appends.add(log.append([append], from: loop), .then(body))
    }
}
