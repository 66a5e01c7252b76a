import TopologyLanguage

/// A topology as a person sees it.
public enum Drawing {
  public enum Format: String, Sendable, CaseIterable {
    /// A picture, for browsers and documents.
    case svg
    /// The language of Graphviz.
    case dot
    /// A flowchart in Mermaid's language, for Markdown pages.
    case mermaid
    /// A tree, for terminals.
    case text
  }

  /// The whole drawing, with a line feed at its end.
  public static func text(of topology: Topology, as format: Format) -> String {
    switch format {
    case .svg: SVGText.render(Picture.layout(topology))
    case .dot: DOTText.render(topology)
    case .mermaid: MermaidText.render(topology)
    case .text: TerminalText.render(topology)
    }
  }
}
