/// Finds functions and their lengths by their braces; good enough for formatted code.
enum FunctionScanner {
    struct Function: Equatable {
        /// The first line of the declaration, counted from 1.
        var line: Int
        /// Lines from there to the closing brace, both counted.
        var lineCount: Int
    }

    private static let keywords: Set<String> = ["func", "init", "deinit", "subscript"]

    static func functions(in source: SourceText) -> [Function] {
        let words = tokens(of: source.code)
        var functions: [Function] = []
        for (index, token) in words.enumerated() where keywords.contains(token.text) {
            if index > 0, words[index - 1].text == "." { continue }
            guard let body = bodyStart(words, after: index), let end = bodyEnd(words, from: body) else { continue }
            functions.append(Function(line: token.line, lineCount: words[end].line - token.line + 1))
        }
        return functions
    }

    private struct Token {
        var text: String
        var line: Int
    }

    /// The index of the brace that opens the body of the declaration at `index`; nil for a requirement without one.
    private static func bodyStart(_ words: [Token], after index: Int) -> Int? {
        var depth = 0
        for position in words.indices.dropFirst(index + 1) {
            switch words[position].text {
            case "(", "[": depth += 1
            case ")", "]":
                depth -= 1
                if depth < 0 { return nil }
            case "{" where depth == 0: return position
            case "}" where depth == 0: return nil
            case let text where depth == 0 && (keywords.contains(text) || text == "var" || text == "let"): return nil
            default: break
            }
        }
        return nil
    }

    private static func bodyEnd(_ words: [Token], from start: Int) -> Int? {
        var depth = 0
        for position in words.indices.dropFirst(start) {
            if words[position].text == "{" { depth += 1 }
            if words[position].text == "}" {
                depth -= 1
                if depth == 0 { return position }
            }
        }
        return nil
    }

    /// Words and single punctuation characters with their lines.
    private static func tokens(of code: [UInt8]) -> [Token] {
        var tokens: [Token] = []
        var word: [UInt8] = []
        var line = 1
        for byte in code + [UInt8(ascii: "\n")] {
            let character = Character(Unicode.Scalar(byte))
            if character.isASCII, character.isLetter || character.isNumber || character == "_" || character == "`" {
                word.append(byte)
                continue
            }
            if !word.isEmpty {
                tokens.append(Token(text: String(decoding: word, as: UTF8.self), line: line))
                word = []
            }
            if byte == UInt8(ascii: "\n") {
                line += 1
            } else if "(){}[].".utf8.contains(byte) {
                tokens.append(Token(text: String(character), line: line))
            }
        }
        return tokens
    }
}
