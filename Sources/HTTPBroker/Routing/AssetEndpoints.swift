/// The page to look at.
enum AssetEndpoints {
    static let all: [Endpoint] = []
}
