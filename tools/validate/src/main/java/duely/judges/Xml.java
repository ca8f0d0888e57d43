package duely.judges;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Locale;

import com.helger.diagnostics.error.IError;
import com.helger.diver.api.coord.DVRCoordinate;
import com.helger.io.resource.FileSystemResource;
import com.helger.phive.api.execute.ValidationExecutionManager;
import com.helger.phive.api.executorset.ValidationExecutorSetRegistry;
import com.helger.phive.api.validity.IValidityDeterminator;
import com.helger.phive.en16931.EN16931Validation;
import com.helger.phive.peppol.PeppolValidation;
import com.helger.phive.xml.source.IValidationSourceXML;
import com.helger.phive.xml.source.ValidationSourceXML;
import com.helger.phive.xrechnung.XRechnungValidation;
import com.helger.phive.zugferd.ZugferdValidation;

/** phive: schema, then Schematron, of EN 16931, XRechnung, Peppol and ZUGFeRD. */
final class Xml implements Judge {
  private final ValidationExecutorSetRegistry<IValidationSourceXML> registry =
      new ValidationExecutorSetRegistry<>();

  Xml() {
    EN16931Validation.initEN16931(registry);
    XRechnungValidation.initXRechnung(registry);
    PeppolValidation.initStandard(registry);
    ZugferdValidation.initZugferd(registry);
  }

  @Override
  public boolean knows(String rules) {
    return registry.getOfID(DVRCoordinate.parseOrNull(rules)) != null;
  }

  @Override
  public Verdict judge(String rules, Path file) {
    var set = registry.getOfID(DVRCoordinate.parseOrNull(rules));
    var source = ValidationSourceXML.create(new FileSystemResource(file.toFile()));
    IValidityDeterminator<IValidationSourceXML> determinator = IValidityDeterminator.createDefault();
    var results = ValidationExecutionManager.executeValidation(determinator, set, source, Locale.ENGLISH);
    var problems = new ArrayList<String>();
    var warnings = new ArrayList<String>();
    results.forEachFlattened(error -> (error.isError() ? problems : warnings).add(text(error)));
    if (problems.isEmpty() && results.containsAtLeastOneError()) {
      return Verdict.refused("not valid, without a reason");
    }
    return new Verdict(problems, warnings);
  }

  private static String text(IError error) {
    var text = error.getErrorText(Locale.ENGLISH);
    var rule = error.getErrorID();
    return rule == null || text.startsWith("[" + rule + "]") ? text : rule + ": " + text;
  }
}
