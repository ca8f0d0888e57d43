package duely.judges;

import java.util.List;

/** Refused when there are problems; each is {@code rule: text}, said once however often it is broken. */
record Verdict(List<String> problems, List<String> warnings) {
  Verdict {
    problems = problems.stream().distinct().toList();
    warnings = warnings.stream().distinct().toList();
  }

  static Verdict refused(String problem) {
    return new Verdict(List.of(problem), List.of());
  }
}
