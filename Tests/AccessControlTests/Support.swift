import AccessControl
import Speaking

/// Rules of an ACL file.
func rules(_ text: String) throws -> AccessRules { try AccessRules.mosquitto(Array(text.utf8), file: "acl.conf") }

/// What is wrong with an ACL file; empty for nothing.
func fault(_ bytes: [UInt8]) -> String {
    do throws(SecurityFileError) {
        _ = try AccessRules.mosquitto(bytes, file: "acl.conf")
        return ""
    } catch {
        return error.description
    }
}

func fault(_ text: String) -> String { fault(Array(text.utf8)) }

extension AccessRules {
    func rights(_ user: String?, _ client: String = "c1", granted: [String] = []) -> AccessRights {
        rights(of: user.map { .user($0) } ?? .anonymous, clientID: Array(client.utf8), granted: granted)
    }
}

/// The rights on strings; the sources take borrowed bytes.
extension AccessRights {
    func publishes(_ topic: String) -> Verdict {
        let bytes = Array(topic.utf8)
        return mayPublish(bytes.span)
    }

    func reads(_ topic: String) -> Verdict {
        let bytes = Array(topic.utf8)
        return mayRead(bytes.span)
    }

    func subscribes(_ filter: String) -> Verdict {
        let bytes = Array(filter.utf8)
        return maySubscribe(bytes.span)
    }

    func readsStream(_ name: String) -> Verdict {
        let bytes = Array(name.utf8)
        return mayReadStream(bytes.span)
    }

    func writesStream(_ name: String) -> Verdict {
        let bytes = Array(name.utf8)
        return mayWriteStream(bytes.span)
    }

    func usesGroup(_ name: String) -> Verdict {
        let bytes = Array(name.utf8)
        return mayUseGroup(bytes.span)
    }

    func transacts(_ name: String) -> Verdict {
        let bytes = Array(name.utf8)
        return mayUseTransaction(bytes.span)
    }

    func seesTransaction(_ name: String) -> Verdict {
        let bytes = Array(name.utf8)
        return maySeeTransaction(bytes.span)
    }

    func shares(_ name: String) -> Verdict {
        let bytes = Array(name.utf8)
        return mayShare(bytes.span)
    }

    /// What may be done with a topic, as `rw`, `r`, `w` or nothing.
    func access(_ topic: String) -> String {
        (reads(topic).isAllowed ? "r" : "") + (publishes(topic).isAllowed ? "w" : "")
    }
}

/// Every sequence of one to `lengthMax` of `letters`, as levels of a topic or filter.
func paths(of letters: [String], lengthMax: Int) -> [String] {
    var all: [String] = []
    var last = letters
    for _ in 0..<lengthMax {
        all += last
        last = last.flatMap { head in letters.map { "\(head)/\($0)" } }
    }
    return all
}
