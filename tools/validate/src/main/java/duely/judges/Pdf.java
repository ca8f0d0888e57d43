package duely.judges;

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;

/** veraPDF. The standard is asked for by name: what a file claims about itself may be weaker. */
final class Pdf implements Judge {
  private static final Map<String, PDFAFlavour> STANDARDS =
      Map.of("3a", PDFAFlavour.PDFA_3_A, "ua1", PDFAFlavour.PDFUA_1);

  Pdf() {
    VeraGreenfieldFoundryProvider.initialise();
  }

  @Override
  public boolean knows(String rules) {
    return STANDARDS.containsKey(rules);
  }

  @Override
  public Verdict judge(String rules, Path file) throws Exception {
    var standard = STANDARDS.get(rules);
    var foundry = Foundries.defaultInstance();
    try (InputStream content = Files.newInputStream(file);
        var parser = foundry.createParser(content, standard);
        var validator = foundry.createValidator(standard, false)) {
      var result = validator.validate(parser);
      var problems =
          result.getTestAssertions().stream()
              .filter(assertion -> assertion.getStatus() == TestAssertion.Status.FAILED)
              .map(Pdf::text)
              .toList();
      if (problems.isEmpty() && !result.isCompliant()) {
        return Verdict.refused("not compliant, without a reason");
      }
      return new Verdict(problems, List.of());
    }
  }

  private static String text(TestAssertion assertion) {
    var rule = assertion.getRuleId();
    return "%s-%d: %s".formatted(rule.getClause(), rule.getTestNumber(), assertion.getMessage());
  }
}
