// Render the OpenAPI document with Swagger UI, which the page loads before this script.
SwaggerUIBundle({
  domNode: document.getElementById("docs"),
  url: document.getElementById("docs").dataset.schema,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null, // it would send the document's address to swagger.io
});
